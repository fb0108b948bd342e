package member

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	firstRejoin = 250 * time.Millisecond // while this node is alone
	maxKnown    = 1024                   // limit of known addresses; beyond it they are forgotten
)

// rejoinLoop joins addresses without a node in view until ctx ends. While this node is alone it starts at once and
// repeats more and more rarely; afterwards it repeats every RejoinEvery, and when Rejoin asks for it.
func (m *Members) rejoinLoop(ctx context.Context) {
	for wait := firstRejoin; ctx.Err() == nil; wait = min(2*wait, m.cfg.RejoinEvery) {
		m.rejoin(ctx)
		m.tried.Store(true)
		if len(m.View().Nodes) > 1 {
			wait = m.cfg.RejoinEvery
		}
		select {
		case <-time.After(wait):
		case <-m.rejoinNow:
		case <-ctx.Done():
		}
	}
}

// rejoin joins every address without a node in view, in parallel, and waits for all.
func (m *Members) rejoin(ctx context.Context) {
	var wg sync.WaitGroup
	for addr, listed := range m.missingAddrs(ctx) {
		wg.Go(func() {
			begun := time.Now()
			err := m.join(addr, listed)
			m.noteOutcome(attempt{addr: addr}, err)
			if err != nil {
				m.log.Debug("join", "address", addr, "error", err)
				m.noteHangUp(addr, err)
			}
			m.clearRefusal(addr, begun)
			if err != nil {
				return
			}
			m.contact.Store(time.Now().UnixNano())
			m.mu.Lock()
			defer m.mu.Unlock()
			m.joined[addr] = struct{}{}
		})
	}
	wg.Wait()
}

// join exchanges views with the node at an address. If that node is a member of a cluster, this one of none, and the
// address is on the join list, this node adopts the cluster, because the other node admits it only then.
func (m *Members) join(addr string, listed bool) error {
	_, err := m.list.Join([]string{addr})
	if err == nil || !listed || offeredCluster(err) == "" {
		return err
	}
	if err := m.cfg.Adopt(offeredCluster(err)); err != nil {
		return fmt.Errorf("adopt the cluster of %s: %w", addr, err)
	}
	_, err = m.list.Join([]string{addr})
	return err
}

// noteHangUp records, for Refusal, that a node hung up while this one is alone. The library gives such errors as text
// alone.
func (m *Members) noteHangUp(addr string, err error) {
	text := strings.TrimSpace(err.Error())
	switch {
	case len(m.View().Nodes) > 1, offeredCluster(err) != "":
	case strings.Contains(text, "no installed keys"), strings.Contains(text, "encryption is"):
		m.addRefusal(addr, fmt.Errorf("the node at %s has another gossip key than this node", addr))
	case strings.HasSuffix(text, "EOF"), strings.HasSuffix(text, "connection reset by peer"):
		m.addRefusal(addr, fmt.Errorf("the node at %s hangs up: it has another cluster name or another gossip key,"+
			" or is stopping", addr))
	}
}

// missingAddrs returns the known addresses without a node in view, and whether each is on the join list.
func (m *Members) missingAddrs(ctx context.Context) map[string]bool {
	listed, _, _ := m.resolveAll(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.known) > maxKnown {
		clear(m.known)
	}
	addrs := map[string]bool{}
	for addr := range m.known {
		addrs[addr] = false
	}
	for addr := range listed {
		addrs[addr] = true
	}
	for _, n := range m.alive {
		delete(addrs, n.Gossip)
	}
	maps.DeleteFunc(m.failures, func(a attempt, _ string) bool {
		_, tried := addrs[a.addr]
		return !a.lookup && !tried
	})
	return addrs
}

// List is the resolved join list at one moment.
type List struct {
	Nodes    int                 // nodes of the list, this node included: one for each address
	Expect   int                 // nodes to found a cluster, if not configured: this one and each other join address
	Others   map[string]struct{} // addresses of the list, without this node's own
	Unseen   []string            // addresses of the list without a node in view, sorted
	Indirect bool                // an address of the list leads to any node, for example a proxy
}

// JoinList resolves the join addresses. A join address that does not resolve stands for one node. An address that no
// node advertises (for example of a proxy) counts as visible once joining through it has succeeded.
func (m *Members) JoinList(ctx context.Context) List {
	addrs, unresolved, named := m.resolveAll(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	seen, own := map[string]bool{}, ""
	for _, n := range m.alive {
		seen[n.Gossip] = true
		if n.Start == m.self.Load().Start {
			own = n.Gossip
		}
	}
	delete(addrs, own)
	list := List{
		Nodes: len(addrs) + len(unresolved) + 1, Expect: countExpected(named, own), Others: addrs, Unseen: unresolved,
	}
	for addr := range addrs {
		_, joined := m.joined[addr]
		_, known := m.known[addr]
		switch {
		case seen[addr]:
		case known || !joined:
			list.Unseen = append(list.Unseen, addr)
		default:
			list.Indirect = true
		}
	}
	slices.Sort(list.Unseen)
	return list
}

// countExpected counts this node and each join address of another node once. A DNS name of this node alone may stand
// for other nodes later, so it counts if the list has no other node.
func countExpected(named map[string]bool, own string) int {
	n := 1
	for addrs := range named {
		if addrs != own {
			n++
		}
	}
	if n == 1 && named[own] {
		return 2
	}
	return n
}

// resolveAll returns all addresses of the join list, the join addresses that do not resolve, and a map from each set of
// addresses to whether its join address is a name. Join addresses with the same set count once.
func (m *Members) resolveAll(
	ctx context.Context,
) (addrs map[string]struct{}, unresolved []string, named map[string]bool) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	addrs, named = map[string]struct{}{}, map[string]bool{}
	for _, join := range slices.Compact(slices.Sorted(slices.Values(m.cfg.Join))) {
		wg.Go(func() {
			found := m.resolve(ctx, join)
			mu.Lock()
			defer mu.Unlock()
			for _, addr := range found {
				addrs[addr] = struct{}{}
			}
			if len(found) == 0 {
				unresolved, found = append(unresolved, join), []string{join}
			}
			slices.Sort(found)
			host, _, _ := net.SplitHostPort(join)
			key := strings.Join(found, " ")
			named[key] = named[key] || net.ParseIP(host) == nil
		})
	}
	wg.Wait()
	return addrs, unresolved, named
}

// resolve returns all addresses of a join address.
func (m *Members) resolve(ctx context.Context, join string) (addrs []string) {
	host, port, err := net.SplitHostPort(join)
	if err != nil {
		m.log.Warn("join address", "address", join, "error", err)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	ips, err := m.net.LookupHost(ctx, host)
	m.noteOutcome(attempt{addr: join, lookup: true}, err)
	if err != nil {
		m.log.Debug("resolve join address", "address", join, "error", err)
		return nil
	}
	for _, ip := range ips {
		addrs = append(addrs, net.JoinHostPort(ip, port))
	}
	return addrs
}
