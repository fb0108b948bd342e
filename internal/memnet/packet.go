package memnet

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"time"
)

const (
	queueLimit = 1024           // packets in flight or waiting for their reader
	maxPacket  = 65535 - 20 - 8 // bytes, the maximum of UDP over IPv4
)

// packetConn is a net.PacketConn.
type packetConn struct {
	host *Host
	at   netip.AddrPort // with the IP given to ListenPacket

	deadlines
	queue []packet // by time of arrival; guarded by mu
}

type packet struct {
	data []byte
	from netip.AddrPort
	at   time.Time // arrival
}

func newPacketConn(h *Host, at netip.AddrPort) *packetConn {
	return &packetConn{host: h, at: at, deadlines: deadlines{mu: new(timedCond)}}
}

// LocalAddr returns a *net.UDPAddr: the address given to ListenPacket, with the real port.
func (c *packetConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.at) }

// ReadFrom waits for a packet. Bytes beyond the length of p are lost. The address is a *net.UDPAddr.
func (c *packetConn) ReadFrom(p []byte) (int, net.Addr, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		got, next, err := c.tryRead(time.Now())
		if err != nil {
			return 0, nil, c.opError("read", err)
		}
		if got.from.IsValid() {
			return copy(p, got.data), net.UDPAddrFromAddrPort(got.from), nil
		}
		c.mu.wait(earlier(next, c.readBy))
	}
}

// tryRead returns the next packet if it has arrived, and the time of its arrival otherwise.
func (c *packetConn) tryRead(now time.Time) (got packet, next time.Time, err error) {
	if err := c.check(c.readBy, now); err != nil {
		return got, next, err
	}
	if len(c.queue) == 0 {
		return got, next, nil
	}
	if at := c.queue[0].at; !due(at, now) {
		return got, at, nil
	}
	got = c.queue[0]
	c.queue = slices.Delete(c.queue, 0, 1)
	return got, next, nil
}

// WriteTo sends a packet and never waits. It does not report whether the packet arrives.
func (c *packetConn) WriteTo(p []byte, addr net.Addr) (int, error) {
	if err := c.checkWrite(); err != nil {
		return 0, c.opError("write", err)
	}
	to, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return 0, c.opError("write", err)
	}
	if len(p) > maxPacket {
		return 0, c.opError("write", os.NewSyscallError("sendto", syscall.EMSGSIZE))
	}
	from := netip.AddrPortFrom(c.host.addr, c.at.Port())
	at := netip.AddrPortFrom(c.host.resolveOwn(to.Addr().Unmap()), to.Port())
	c.host.net.send(packet{data: slices.Clone(p), from: from}, at)
	return len(p), nil
}

func (c *packetConn) checkWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.check(c.writeBy, time.Now())
}

// send counts a packet, and delivers or drops it.
func (n *Net) send(p packet, to netip.AddrPort) {
	n.mu.Lock()
	defer n.mu.Unlock()
	link := n.link(direction{p.from.Addr(), to.Addr()})
	count := link.ofPort(int(to.Port()))
	count.packets.Add(1)
	count.packetBytes.Add(int64(len(p.data)))
	p.at = time.Now().Add(link.delay())
	lost := link.loss > 0 && n.rand.Float64() < link.loss
	if lost || n.isCut(p.from.Addr(), to.Addr(), Packets, int(to.Port())) || !n.deliver(p, to) {
		count.dropped.Add(1)
	}
}

// deliver queues a packet at its receiver. It reports false without a listener or room. The caller holds n.mu.
func (n *Net) deliver(p packet, to netip.AddrPort) bool {
	h := n.hosts[to.Addr()]
	if h == nil || h.packets[int(to.Port())] == nil {
		return false
	}
	return h.packets[int(to.Port())].push(p)
}

// push queues a packet behind the packets that arrive no later.
func (c *packetConn) push(p packet) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.queue) >= queueLimit {
		return false
	}
	i := len(c.queue)
	for i > 0 && c.queue[i-1].at.After(p.at) {
		i--
	}
	c.queue = slices.Insert(c.queue, i, p)
	c.mu.broadcast()
	return true
}

// Close drops the unread packets.
func (c *packetConn) Close() error {
	c.mu.Lock()
	was := c.closed
	c.closed, c.queue = true, nil
	c.mu.broadcast()
	c.mu.Unlock()
	if was {
		return c.opError("close", net.ErrClosed)
	}
	c.host.net.mu.Lock()
	defer c.host.net.mu.Unlock()
	delete(c.host.packets, int(c.at.Port()))
	return nil
}

func (c *packetConn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Source: c.LocalAddr(), Err: err}
}
