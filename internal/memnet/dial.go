package memnet

import (
	"context"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// DialContext connects to an address; of a name that has many, to the first that answers. It takes one round trip, and waits
// while a cut or a listener that does not accept is in the way, until ctx is done.
func (h *Host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	addrs, err := h.resolve(ctx, "tcp", network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	var first error
	for _, to := range addrs {
		c, err := h.dial(ctx, netip.AddrPortFrom(h.own(to.Addr()), to.Port()))
		if err == nil {
			return c, nil
		}
		if first == nil {
			first = &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(to), Err: err}
		}
	}
	return nil, first
}

func (h *Host) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	port := int(to.Port())
	if err := h.travel(ctx, h.addr, to.Addr(), port); err != nil {
		return nil, err
	}
	l, err := h.net.listenerAt(to)
	if err != nil {
		return nil, err
	}
	if l == nil {
		return nil, h.refused(ctx, to)
	}
	s := h.net.connect(h, l)
	err = l.offer(ctx, s.ends[1])
	if err == nil {
		err = h.travel(ctx, to.Addr(), h.addr, port)
	}
	if err != nil {
		s.ends[0].abort()
		return nil, err
	}
	return s.ends[0], nil
}

// refused returns the refusal, once it has come back.
func (h *Host) refused(ctx context.Context, to netip.AddrPort) error {
	if err := h.travel(ctx, to.Addr(), h.addr, int(to.Port())); err != nil {
		return err
	}
	return os.NewSyscallError("connect", syscall.ECONNREFUSED)
}

// travel waits until there is no cut from one host to another, and then for the latency of the link.
func (h *Host) travel(ctx context.Context, from, to netip.Addr, port int) error {
	for {
		delay, changed := h.net.passage(from, to, port)
		if changed == nil {
			return h.pass(ctx, delay)
		}
		if err := h.waitFor(ctx, changed); err != nil {
			return err
		}
	}
}

// passage returns the latency from one host to another, or while it is cut, a channel that is closed when cuts change.
func (n *Net) passage(from, to netip.Addr, port int) (delay time.Duration, changed <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.isCut(from, to, handshake, port) {
		return 0, n.mu.heard()
	}
	return n.link(pair{from, to}).delay(), nil
}

func (h *Host) pass(ctx context.Context, delay time.Duration) error {
	if delay == 0 {
		return h.usable(ctx)
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return h.usable(ctx)
	case <-ctx.Done():
	case <-h.down:
	}
	return h.usable(ctx)
}

func (h *Host) waitFor(ctx context.Context, c <-chan struct{}) error {
	select {
	case <-c:
	case <-ctx.Done():
	case <-h.down:
	}
	return h.usable(ctx)
}

// usable returns why a dial cannot go on, or nil.
func (h *Host) usable(ctx context.Context) error {
	if h.isDown() {
		return os.NewSyscallError("connect", syscall.ENETDOWN)
	}
	return ctx.Err()
}

// listenerAt returns who listens there, nil if nobody does, and fails where there never was a host.
func (n *Net) listenerAt(to netip.AddrPort) (*listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.hosts[to.Addr()]
	if h == nil {
		return nil, os.NewSyscallError("connect", syscall.EHOSTUNREACH)
	}
	return h.listeners[int(to.Port())], nil
}

// connect makes a stream from a host to a listener. Should one of them crash at this moment, the crash either finds the stream or
// the dial finds the host down, or the listener closed, when it goes on.
func (n *Net) connect(h *Host, l *listener) *stream {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := newStream(h, l, n.nextPort())
	s.applyCuts(time.Now())
	n.streams[s] = struct{}{}
	n.link(pair{h.addr, l.host.addr}).tally(s.port).streams.Add(1)
	return s
}

// forget drops a stream that nothing can change any more.
func (n *Net) forget(s *stream) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.streams, s)
}
