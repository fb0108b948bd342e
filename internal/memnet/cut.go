package memnet

import (
	"net/netip"
	"time"
)

// Kind is a kind of traffic.
type Kind int

// The kinds of traffic. Requests and Answers leave the making of connections alone: to lose an answer after its effect, cut
// Answers, let the effect happen, then Reset or Crash.
const (
	Everything Kind = iota
	Packets
	Streams
	Requests // the bytes of streams that who dialed sends
	Answers  // the bytes of streams that who listened sends

	handshake // making a connection, both ways
)

// Traffic selects what a cut stops. The zero value is everything.
type Traffic struct {
	Kind Kind
	Port int // of who listens; 0: any
}

func (t Traffic) covers(kind Kind, port int) bool {
	if t.Port != 0 && t.Port != port {
		return false
	}
	return t.Kind == Everything || t.Kind == kind || t.Kind == Streams && kind != Packets
}

// cut is one call of Cut. It has an identity, so that of two equal cuts each needs its own heal.
type cut struct {
	pair
	traffic []Traffic
}

func (c *cut) covers(p pair, kind Kind, port int) bool {
	if c.pair != p {
		return false
	}
	for _, t := range c.traffic {
		if t.covers(kind, port) {
			return true
		}
	}
	return len(c.traffic) == 0
}

// Cut stops traffic from one host to another, one way, until the heal that it returns is called: all of it, or only what is
// given. Cuts add up.
func (n *Net) Cut(from, to string, only ...Traffic) (heal func()) {
	return n.addCuts([]*cut{{parsePair(from, to), only}})
}

// Partition cuts both ways between each host of a and each host of b, until the heal that it returns is called.
func (n *Net) Partition(a, b []string, only ...Traffic) (heal func()) {
	var cuts []*cut
	for _, x := range a {
		for _, y := range b {
			cuts = append(cuts, &cut{parsePair(x, y), only}, &cut{parsePair(y, x), only})
		}
	}
	return n.addCuts(cuts)
}

// Heal ends every cut from one host to another, one way.
func (n *Net) Heal(from, to string) {
	p := parsePair(from, to)
	n.healIf(func(c *cut) bool { return c.pair == p })
}

// HealAll ends every cut.
func (n *Net) HealAll() {
	n.healIf(func(*cut) bool { return true })
}

// Reset breaks every stream between two hosts, whoever dialed, on the given port (0: all), as a middlebox that forgets them
// would: both ends see a reset at once, and what was on its way or held back is lost.
func (n *Net) Reset(a, b string, port int) {
	p := parsePair(a, b)
	for _, s := range n.streamsIf(func(s *stream) bool {
		return (port == 0 || port == s.port) && (s.between(p) || s.between(pair{p.to, p.from}))
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

// applyCuts tells streams and dials what the cuts are now. n is locked.
func (n *Net) applyCuts() {
	now := time.Now()
	for s := range n.streams {
		s.applyCuts(now)
	}
	n.mu.ring()
}

// isCut reports whether any cut covers the traffic. n is locked.
func (n *Net) isCut(from, to netip.Addr, kind Kind, port int) bool {
	for c := range n.cuts {
		if c.covers(pair{from, to}, kind, port) {
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
