package memnet

import (
	"context"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
)

// Host is the network of one process. Loopback and unspecified addresses mean the host itself.
type Host struct {
	net  *Net
	addr netip.Addr
	down chan struct{} // closed by Crash

	// Guarded by Net.mu:
	listeners map[int]*listener
	packets   map[int]*packetConn
}

func newHost(n *Net, addr netip.Addr) *Host {
	return &Host{
		net: n, addr: addr, down: make(chan struct{}),
		listeners: make(map[int]*listener), packets: make(map[int]*packetConn),
	}
}

// String returns the host's IP address.
func (h *Host) String() string { return h.addr.String() }

// Listen accepts streams on an address of the host; port 0 picks a free one.
func (h *Host) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	at, err := h.bindAddr(ctx, "tcp", network, address)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	port, err := pickPort(h, h.listeners, at.Port())
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: net.TCPAddrFromAddrPort(at), Err: err}
	}
	l := newListener(h, netip.AddrPortFrom(at.Addr(), uint16(port)))
	h.listeners[port] = l
	return l, nil
}

// ListenPacket receives packets on an address of the host; port 0 picks a free one.
func (h *Host) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	at, err := h.bindAddr(ctx, "udp", network, address)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	port, err := pickPort(h, h.packets, at.Port())
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: net.UDPAddrFromAddrPort(at), Err: err}
	}
	c := newPacketConn(h, netip.AddrPortFrom(at.Addr(), uint16(port)))
	h.packets[port] = c
	return c, nil
}

// Crash ends the host like the death of its process. Its listeners close, its dials fail, and the other ends of its
// streams are reset and lose the bytes in flight. A cut holds the resets back until it heals. The Host stays dead,
// because code that still runs on it must not reach the network. Net.Host returns a new Host for the next process. A
// second Crash does nothing.
func (h *Host) Crash() {
	listeners, packets := h.markDown()
	for _, l := range listeners {
		l.Close()
	}
	for _, c := range packets {
		c.Close()
	}
	for _, s := range h.net.streamsIf(func(s *stream) bool { return s.ends[0].host == h || s.ends[1].host == h }) {
		for _, c := range s.ends {
			if c.host == h {
				c.abort()
			}
		}
	}
}

func (h *Host) markDown() (listeners []*listener, packets []*packetConn) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	if !h.isDown() {
		close(h.down)
	}
	for _, l := range h.listeners {
		listeners = append(listeners, l)
	}
	for _, c := range h.packets {
		packets = append(packets, c)
	}
	return listeners, packets
}

func (h *Host) isDown() bool {
	select {
	case <-h.down:
		return true
	default:
		return false
	}
}

// LookupHost resolves the names given to SetDNS. An IP address resolves to itself, localhost to 127.0.0.1.
func (h *Host) LookupHost(ctx context.Context, host string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, &net.DNSError{UnwrapErr: err, Err: err.Error(), Name: host, IsTimeout: err == context.DeadlineExceeded}
	}
	if h.isDown() {
		return nil, &net.DNSError{UnwrapErr: syscall.ENETDOWN, Err: syscall.ENETDOWN.Error(), Name: host, IsTemporary: true}
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return []string{host}, nil
	}
	if host == "localhost" {
		return []string{"127.0.0.1"}, nil
	}
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	addrs := h.net.names[strings.TrimSuffix(host, ".")]
	if len(addrs) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return slices.Clone(addrs), nil
}

// bindAddr returns the address to listen on, with the IP that the caller asked for.
func (h *Host) bindAddr(ctx context.Context, family, network, address string) (netip.AddrPort, error) {
	all, err := h.resolve(ctx, family, network, address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	at := all[0]
	if h.resolveOwn(at.Addr()) != h.addr {
		return at, os.NewSyscallError("bind", syscall.EADDRNOTAVAIL)
	}
	return at, nil
}

// resolveOwn returns the host's address for a loopback or unspecified address, and any other address unchanged.
func (h *Host) resolveOwn(ip netip.Addr) netip.Addr {
	if ip.IsUnspecified() || ip.IsLoopback() {
		return h.addr
	}
	return ip
}

// pickPort returns the port wanted, or a free port for 0. The caller holds the mutex of the Net.
func pickPort[T any](h *Host, taken map[int]T, want uint16) (int, error) {
	if h.isDown() {
		return 0, os.NewSyscallError("bind", syscall.ENETDOWN)
	}
	if want == 0 {
		return pickFreePort(h.net, taken)
	}
	if _, ok := taken[int(want)]; ok {
		return 0, os.NewSyscallError("bind", syscall.EADDRINUSE)
	}
	return int(want), nil
}

func pickFreePort[T any](n *Net, taken map[int]T) (int, error) {
	for range lastPort - firstPort + 1 {
		port := n.nextPort()
		if _, ok := taken[port]; !ok {
			return port, nil
		}
	}
	return 0, os.NewSyscallError("bind", syscall.EADDRINUSE)
}
