package memnet

import (
	"context"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// DialContext connects to an address. If a name has several addresses, it connects to the first one that answers. A
// dial takes one round trip. It waits for a heal, and for room in the listener's backlog, until ctx is done.
func (h *Host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	addrs, err := h.resolve(ctx, "tcp", network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	var first error
	for _, to := range addrs {
		c, err := h.dial(ctx, netip.AddrPortFrom(h.resolveOwn(to.Addr()), to.Port()))
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
	if err := h.waitForPath(ctx, h.addr, to.Addr(), port); err != nil {
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
		err = h.waitForPath(ctx, to.Addr(), h.addr, port)
	}
	if err != nil {
		s.ends[0].abort()
		return nil, err
	}
	return s.ends[0], nil
}

// refused waits until the refusal has travelled back, and returns it.
func (h *Host) refused(ctx context.Context, to netip.AddrPort) error {
	if err := h.waitForPath(ctx, to.Addr(), h.addr, int(to.Port())); err != nil {
		return err
	}
	return os.NewSyscallError("connect", syscall.ECONNREFUSED)
}

// waitForPath waits until no cut stops dials from one host to another, and then for the latency of the link.
func (h *Host) waitForPath(ctx context.Context, from, to netip.Addr, port int) error {
	for {
		delay, changed := h.net.path(from, to, port)
		if changed == nil {
			return h.waitLatency(ctx, delay)
		}
		if err := h.waitFor(ctx, changed); err != nil {
			return err
		}
	}
}

// path returns the latency from one host to another. While the direction is cut, it returns a channel that the next
// change of the cuts closes.
func (n *Net) path(from, to netip.Addr, port int) (delay time.Duration, changed <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.isCut(from, to, handshake, port) {
		return 0, n.mu.next()
	}
	return n.link(direction{from, to}).delay(), nil
}

func (h *Host) waitLatency(ctx context.Context, delay time.Duration) error {
	if delay == 0 {
		return h.dialError(ctx)
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return h.dialError(ctx)
	case <-ctx.Done():
	case <-h.down:
	}
	return h.dialError(ctx)
}

func (h *Host) waitFor(ctx context.Context, c <-chan struct{}) error {
	select {
	case <-c:
	case <-ctx.Done():
	case <-h.down:
	}
	return h.dialError(ctx)
}

// dialError returns the reason for which a dial cannot continue, or nil.
func (h *Host) dialError(ctx context.Context) error {
	if h.isDown() {
		return os.NewSyscallError("connect", syscall.ENETDOWN)
	}
	return ctx.Err()
}

// listenerAt returns the listener at an address, or nil without one. It fails if the address never had a host.
func (n *Net) listenerAt(to netip.AddrPort) (*listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.hosts[to.Addr()]
	if h == nil {
		return nil, os.NewSyscallError("connect", syscall.EHOSTUNREACH)
	}
	return h.listeners[int(to.Port())], nil
}

// connect makes a stream from a host to a listener. If one of them crashes meanwhile, either the crash finds the
// stream, or the dial finds the host down or the listener closed in its next step.
func (n *Net) connect(h *Host, l *listener) *stream {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := newStream(h, l, n.nextPort())
	s.applyCuts(time.Now())
	n.streams[s] = struct{}{}
	n.link(direction{h.addr, l.host.addr}).ofPort(s.port).streams.Add(1)
	return s
}

// removeStream removes a stream of which both ends are closed.
func (n *Net) removeStream(s *stream) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.streams, s)
}
