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
	firstRejoin = 250 * time.Millisecond // while this node knows nobody else
	maxKnown    = 1024                   // addresses kept: an address joined in vain is forgotten beyond it
)

// rejoinLoop joins the nodes that are not in the view, until ctx ends: at once and then more and more rarely while this node is
// alone, every RejoinEvery afterwards, and when Rejoin asks for it.
func (m *Members) rejoinLoop(ctx context.Context) {
	for wait := firstRejoin; ctx.Err() == nil; wait = min(2*wait, m.cfg.RejoinEvery) {
		m.rejoin(ctx)
		m.tried.Store(true)
		if len(m.View().Nodes) > 1 {
			wait = m.cfg.RejoinEvery
		}
		select {
		case <-time.After(wait):
		case <-m.again:
		case <-ctx.Done():
		}
	}
}

// rejoin joins every address that is not in the view, in parallel, and waits for all.
func (m *Members) rejoin(ctx context.Context) {
	var wg sync.WaitGroup
	for addr, listed := range m.missing(ctx) {
		wg.Go(func() {
			begun := time.Now()
			err := m.join(addr, listed)
			m.ended(attempt{addr: addr}, err)
			if err != nil {
				m.log.Debug("join", "address", addr, "error", err)
				m.hungUp(addr, err)
			}
			m.pardon(addr, begun)
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

// join exchanges views with the node at an address. Where that node is a member of a cluster, this one of none, and the address one that
// this node was told to join, this node adopts the cluster: only then does the other one take it in.
func (m *Members) join(addr string, listed bool) error {
	_, err := m.list.Join([]string{addr})
	if err == nil || !listed || offered(err) == "" {
		return err
	}
	if err := m.cfg.Adopt(offered(err)); err != nil {
		return fmt.Errorf("adopt the cluster of %s: %w", addr, err)
	}
	_, err = m.list.Join([]string{addr})
	return err
}

// hungUp notes, for Refusal, that a node would not talk to this one while it is alone. The library tells such errors by their texts.
func (m *Members) hungUp(addr string, err error) {
	text := strings.TrimSpace(err.Error())
	switch {
	case len(m.View().Nodes) > 1, offered(err) != "":
	case strings.Contains(text, "no installed keys"), strings.Contains(text, "encryption is"):
		m.refuse(addr, fmt.Errorf("the node at %s has another gossip key than this node", addr))
	case strings.HasSuffix(text, "EOF"), strings.HasSuffix(text, "connection reset by peer"):
		m.refuse(addr, fmt.Errorf("the node at %s hangs up: it has another cluster name or another gossip key, or is stopping", addr))
	}
}

// missing returns the addresses at which a node should be and none in the view is, and whether the join addresses name them.
func (m *Members) missing(ctx context.Context) map[string]bool {
	listed, _, _ := m.resolved(ctx)
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

// List is what the join addresses stand for at one moment.
type List struct {
	Nodes  int                 // nodes that the join addresses stand for, this node included: one address, one node
	Expect int                 // nodes of which a new cluster is made where no number is set: this node, and one for each join address of another
	Others map[string]struct{} // the addresses, without this node's own
	Unseen []string            // the addresses of nodes that are not in the view, sorted
	Beyond bool                // a join address leads through something between, to any node
}

// Named resolves the join addresses. A join address that does not resolve stands for one node. One that no node calls its own, as it
// leads through something between, counts as that of a node in the view once it could be joined.
func (m *Members) Named(ctx context.Context) List {
	addrs, unresolved, named := m.resolved(ctx)
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
	list := List{Nodes: len(addrs) + len(unresolved) + 1, Expect: expect(named, own), Others: addrs, Unseen: unresolved}
	for addr := range addrs {
		_, joined := m.joined[addr]
		_, known := m.known[addr]
		switch {
		case seen[addr]:
		case known || !joined:
			list.Unseen = append(list.Unseen, addr)
		default:
			list.Beyond = true
		}
	}
	slices.Sort(list.Unseen)
	return list
}

// expect counts this node and the join addresses of others, each once. A DNS name that resolves to this node alone may come to stand for
// others: it counts where the list names nobody else.
func expect(named map[string]bool, own string) int {
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

// resolved returns all addresses that the join addresses resolve to, the join addresses that do not resolve, and, by its addresses, whether a
// join address is a name; two of the same addresses are one.
func (m *Members) resolved(ctx context.Context) (addrs map[string]struct{}, unresolved []string, named map[string]bool) {
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
	m.ended(attempt{addr: join, lookup: true}, err)
	if err != nil {
		m.log.Debug("resolve join address", "address", join, "error", err)
		return nil
	}
	for _, ip := range ips {
		addrs = append(addrs, net.JoinHostPort(ip, port))
	}
	return addrs
}
