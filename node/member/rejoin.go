package member

import (
	"context"
	"fmt"
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
// alone, every RejoinEvery afterwards.
func (m *Members) rejoinLoop(ctx context.Context) {
	for wait := firstRejoin; ctx.Err() == nil; wait = min(2*wait, m.cfg.RejoinEvery) {
		m.rejoin(ctx)
		if len(m.View().Nodes) > 1 {
			wait = m.cfg.RejoinEvery
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// rejoin joins every address that is not in the view, in parallel, and waits for all.
func (m *Members) rejoin(ctx context.Context) {
	var wg sync.WaitGroup
	for addr := range m.missing(ctx) {
		wg.Go(func() {
			if _, err := m.list.Join([]string{addr}); err != nil {
				m.log.Debug("join", "address", addr, "error", err)
				m.hungUp(addr, err)
				return
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			m.joined[addr] = struct{}{}
		})
	}
	wg.Wait()
}

// hungUp notes, for Refusal, that a node would not talk to this one while it is alone. The library tells such errors by their texts.
func (m *Members) hungUp(addr string, err error) {
	text := strings.TrimSpace(err.Error())
	switch {
	case len(m.View().Nodes) > 1:
	case strings.Contains(text, "no installed keys"), strings.Contains(text, "encryption is"):
		m.refuse(fmt.Errorf("the node at %s has another gossip key than this node", addr))
	case strings.HasSuffix(text, "EOF"), strings.HasSuffix(text, "connection reset by peer"):
		m.refuse(fmt.Errorf("the node at %s hangs up: it has another cluster name or another gossip key, or is stopping", addr))
	}
}

// missing returns the addresses at which a node should be and none in the view is.
func (m *Members) missing(ctx context.Context) map[string]struct{} {
	addrs, _ := m.resolved(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.known) > maxKnown {
		clear(m.known)
	}
	for addr := range m.known {
		addrs[addr] = struct{}{}
	}
	for _, n := range m.alive {
		delete(addrs, n.Gossip)
	}
	return addrs
}

// Named returns how many nodes the join addresses, and this node's own, stand for, and the addresses of those that are not in the
// view. A join address that does not resolve stands for one node. One that no node calls its own, as it leads through something
// between, counts as that of a node in the view once it could be joined.
func (m *Members) Named(ctx context.Context) (nodes int, unseen []string) {
	addrs, unresolved := m.resolved(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	seen := map[string]bool{}
	for _, n := range m.alive {
		seen[n.Gossip] = true
		if n.Start == m.self.Load().Start {
			addrs[n.Gossip] = struct{}{}
		}
	}
	for addr := range addrs {
		_, joined := m.joined[addr]
		if _, known := m.known[addr]; !seen[addr] && (known || !joined) {
			unseen = append(unseen, addr)
		}
	}
	unseen = append(unseen, unresolved...)
	slices.Sort(unseen)
	return len(addrs) + len(unresolved), unseen
}

// resolved returns all addresses that the join addresses resolve to, and those of them that do not resolve.
func (m *Members) resolved(ctx context.Context) (addrs map[string]struct{}, unresolved []string) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	addrs = map[string]struct{}{}
	for _, join := range m.cfg.Join {
		wg.Go(func() {
			found := m.resolve(ctx, join)
			mu.Lock()
			defer mu.Unlock()
			for _, addr := range found {
				addrs[addr] = struct{}{}
			}
			if len(found) == 0 {
				unresolved = append(unresolved, join)
			}
		})
	}
	wg.Wait()
	return addrs, unresolved
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
	if err != nil {
		m.log.Debug("resolve join address", "address", join, "error", err)
		return nil
	}
	for _, ip := range ips {
		addrs = append(addrs, net.JoinHostPort(ip, port))
	}
	return addrs
}
