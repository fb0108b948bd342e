package memnet

import (
	"net/netip"
	"time"
)

// Kind is a kind of traffic.
type Kind int

// The kinds of traffic. Requests and Answers do not include dials. To lose an answer after its effect, cut Answers, let
// the effect happen, then call Reset or Crash.
const (
	Everything Kind = iota
	Packets
	Streams
	Requests // bytes of streams from the dialer
	Answers  // bytes of streams from the listener

	handshake // dials, in both directions
)

// Traffic selects traffic for a cut. The zero value is all traffic.
type Traffic struct {
	Kind Kind
	Port int // of the listener; 0: any
}

func (t Traffic) covers(kind Kind, port int) bool {
	if t.Port != 0 && t.Port != port {
		return false
	}
	return t.Kind == Everything || t.Kind == kind || t.Kind == Streams && kind != Packets
}

// cut is one call of Cut. Cuts have identities, because each of two equal cuts needs its own heal.
type cut struct {
	direction
	traffic []Traffic
}

func (c *cut) covers(p direction, kind Kind, port int) bool {
	if c.direction != p {
		return false
	}
	for _, t := range c.traffic {
		if t.covers(kind, port) {
			return true
		}
	}
	return len(c.traffic) == 0
}

// Cut stops traffic from one host to another, in this direction, until the caller calls heal. It stops all traffic, or
// only the traffic given. Cuts add up.
func (n *Net) Cut(from, to string, only ...Traffic) (heal func()) {
	return n.addCuts([]*cut{{parseDirection(from, to), only}})
}

// Partition cuts both directions between each host of a and each host of b, until the caller calls heal.
func (n *Net) Partition(a, b []string, only ...Traffic) (heal func()) {
	var cuts []*cut
	for _, x := range a {
		for _, y := range b {
			cuts = append(cuts, &cut{parseDirection(x, y), only}, &cut{parseDirection(y, x), only})
		}
	}
	return n.addCuts(cuts)
}

// Heal ends every cut from one host to another, in this direction.
func (n *Net) Heal(from, to string) {
	p := parseDirection(from, to)
	n.healIf(func(c *cut) bool { return c.direction == p })
}

// HealAll ends every cut.
func (n *Net) HealAll() {
	n.healIf(func(*cut) bool { return true })
}

// Reset breaks every stream between two hosts on a port (0: all ports), like a middlebox that loses its state: both
// ends see a reset at once, and bytes in flight or held back are lost.
func (n *Net) Reset(a, b string, port int) {
	p := parseDirection(a, b)
	for _, s := range n.streamsIf(func(s *stream) bool {
		return (port == 0 || port == s.port) && (s.between(p) || s.between(direction{p.to, p.from}))
	}) {
		s.reset()
	}
}

func (n *Net) addCuts(cuts []*cut) (heal func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range cuts {
		n.cuts[c] = struct{}{}
	}
	n.applyCuts()
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, c := range cuts {
			delete(n.cuts, c)
		}
		n.applyCuts()
	}
}

func (n *Net) healIf(match func(*cut) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.cuts {
		if match(c) {
			delete(n.cuts, c)
		}
	}
	n.applyCuts()
}

// applyCuts applies the present cuts to streams and dials. The caller holds n.mu.
func (n *Net) applyCuts() {
	now := time.Now()
	for s := range n.streams {
		s.applyCuts(now)
	}
	n.mu.broadcast()
}

// isCut reports whether any cut covers the traffic. The caller holds n.mu.
func (n *Net) isCut(from, to netip.Addr, kind Kind, port int) bool {
	for c := range n.cuts {
		if c.covers(direction{from, to}, kind, port) {
			return true
		}
	}
	return false
}

// streamsIf returns the streams that match.
func (n *Net) streamsIf(match func(*stream) bool) []*stream {
	n.mu.Lock()
	defer n.mu.Unlock()
	var found []*stream
	for s := range n.streams {
		if match(s) {
			found = append(found, s)
		}
	}
	return found
}
