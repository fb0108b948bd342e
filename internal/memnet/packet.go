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
	queueLimit = 1024           // packets that wait for their reader or are on their way to it
	maxPacket  = 65535 - 20 - 8 // bytes: what UDP over IPv4 carries
)

// packetConn is a net.PacketConn.
type packetConn struct {
	host *Host
	at   netip.AddrPort // the IP as asked for

	limits
	queue []packet // by time of arrival; guarded by the limits' bell
}

type packet struct {
	data []byte
	from netip.AddrPort
	at   time.Time // arrives
}

func newPacketConn(h *Host, at netip.AddrPort) *packetConn {
	return &packetConn{host: h, at: at, limits: limits{mu: new(bell)}}
}

// LocalAddr returns a *net.UDPAddr: the address as it was asked for, with the real port.
func (c *packetConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.at) }

// ReadFrom waits for a packet; what does not fit in p is lost. The address is a *net.UDPAddr.
func (c *packetConn) ReadFrom(p []byte) (int, net.Addr, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		got, next, err := c.tryRead(time.Now())
		if err != nil {
			return 0, nil, c.fail("read", err)
		}
		if got.from.IsValid() {
			return copy(p, got.data), net.UDPAddrFromAddrPort(got.from), nil
		}
		c.mu.wait(earlier(next, c.readBy))
	}
}

// tryRead returns the next packet if it has arrived, and otherwise when it will.
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

// WriteTo sends a packet and never waits. What becomes of the packet it does not say.
func (c *packetConn) WriteTo(p []byte, addr net.Addr) (int, error) {
	if err := c.mayWrite(); err != nil {
		return 0, c.fail("write", err)
	}
	to, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return 0, c.fail("write", err)
	}
	if len(p) > maxPacket {
		return 0, c.fail("write", os.NewSyscallError("sendto", syscall.EMSGSIZE))
	}
	from := netip.AddrPortFrom(c.host.addr, c.at.Port())
	c.host.net.send(packet{data: slices.Clone(p), from: from}, netip.AddrPortFrom(c.host.own(to.Addr().Unmap()), to.Port()))
	return len(p), nil
}

func (c *packetConn) mayWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.check(c.writeBy, time.Now())
}

// send counts the packet and delivers or drops it.
func (n *Net) send(p packet, to netip.AddrPort) {
	n.mu.Lock()
	defer n.mu.Unlock()
	link := n.link(pair{p.from.Addr(), to.Addr()})
	count := link.tally(int(to.Port()))
	count.packets.Add(1)
	count.packetBytes.Add(int64(len(p.data)))
	p.at = time.Now().Add(link.delay())
	lost := link.loss > 0 && n.rand.Float64() < link.loss
	if lost || n.isCut(p.from.Addr(), to.Addr(), Packets, int(to.Port())) || !n.deliver(p, to) {
		count.dropped.Add(1)
	}
}

// deliver reports whether somebody listens there and had room. n is locked.
func (n *Net) deliver(p packet, to netip.AddrPort) bool {
	h := n.hosts[to.Addr()]
	if h == nil || h.packets[int(to.Port())] == nil {
		return false
	}
	return h.packets[int(to.Port())].push(p)
}

// push queues a packet behind those that arrive no later.
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
	c.mu.ring()
	return true
}

// Close drops what was not read.
func (c *packetConn) Close() error {
	c.mu.Lock()
	was := c.closed
	c.closed, c.queue = true, nil
	c.mu.ring()
	c.mu.Unlock()
	if was {
		return c.fail("close", net.ErrClosed)
	}
	c.host.net.mu.Lock()
	defer c.host.net.mu.Unlock()
	delete(c.host.packets, int(c.at.Port()))
	return nil
}

func (c *packetConn) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Source: c.LocalAddr(), Err: err}
}
