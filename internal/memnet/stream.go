package memnet

import (
	"net/netip"
	"time"
)

// stream is a connection between two hosts: ends[0] dialed, ends[1] was accepted. halves[i] carries the writes of
// ends[i].
type stream struct {
	net  *Net
	port int // of the listener
	ends [2]*conn

	mu     timedCond // guards the halves and the state of the ends; their changes broadcast
	halves [2]half
}

// newStream returns a stream from a host to a listener. The caller holds Net.mu.
func newStream(h *Host, l *listener, localPort int) *stream {
	s := &stream{net: h.net, port: int(l.at.Port())}
	from := netip.AddrPortFrom(h.addr, uint16(localPort))
	to := netip.AddrPortFrom(l.host.addr, l.at.Port())
	s.ends[0] = &conn{s: s, side: 0, host: h, local: from, remote: to, deadlines: deadlines{mu: &s.mu}}
	s.ends[1] = &conn{s: s, side: 1, host: l.host, local: to, remote: from, deadlines: deadlines{mu: &s.mu}}
	for i, p := range [...]direction{{h.addr, l.host.addr}, {l.host.addr, h.addr}} {
		link := s.net.link(p)
		s.halves[i] = half{link: link, count: link.ofPort(s.port)}
	}
	return s
}

// between reports whether p.from dialed and p.to listened.
func (s *stream) between(p direction) bool {
	return s.ends[0].host.addr == p.from && s.ends[1].host.addr == p.to
}

// applyCuts applies the cuts to both halves. The caller holds Net.mu.
func (s *stream) applyCuts(now time.Time) {
	from, to := s.ends[0].host.addr, s.ends[1].host.addr
	requests := s.net.isCut(from, to, Requests, s.port)
	answers := s.net.isCut(to, from, Answers, s.port)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.halves[0].setCut(requests, now)
	s.halves[1].setCut(answers, now)
	s.mu.broadcast()
}

// reset breaks the stream for both ends at once, regardless of latency and cuts.
func (s *stream) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for i := range s.halves {
		s.halves[i].resetNow(now)
	}
	s.mu.broadcast()
}
