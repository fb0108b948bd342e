package member

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"

	"flowring/internal/fairshare"
	"flowring/router/admission"
)

// maxPacket is the largest UDP payload.
const maxPacket = 65536

// transport carries the gossip over a Network. The library's own transport uses real sockets only. With one transport
// for the real network and the one in memory, tests run the code of the shipped program.
type transport struct {
	net       Network
	advertise net.IP
	packets   net.PacketConn
	streams   net.Listener
	packetCh  chan *memberlist.Packet
	streamCh  chan net.Conn

	ctx    context.Context // ends with the transport, and with it every dial
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu    sync.Mutex
	conns map[*conn]struct{} // open streams, closed at Shutdown because no exchange may outlive it

	accepted fairshare.Counter // open streams of other hosts
	parts    fairshare.Counter // of streamPart bytes, of the streams in accepted
	tooLong  atomic.Uint64     // streams cut for their length
}

// maxStream is the limit of the bytes of one stream. An exchange of 1,000 nodes has less than a quarter.
const maxStream = 4 << 20

// The library keeps the bytes of a stream until its end, before it knows whether they are encrypted by a key. All open
// streams together therefore have at most maxParts parts beside the first part of each. An address has at most four
// fifths of them.
const (
	streamPart = 64 << 10
	maxParts   = 32 << 20 / streamPart
)

var (
	// errTooLong ends a stream with more bytes than any exchange has.
	errTooLong = fmt.Errorf("a gossip stream has more than %d bytes", maxStream)
	// errNoRoom ends a long stream while many others are open.
	errNoRoom = fmt.Errorf("the gossip streams have more than %d bytes", maxParts*streamPart)
)

// listen opens one port for packets and streams. Port 0 becomes the same free port for both. At most maxStreams streams
// of other hosts are open at once; 0: no limit.
func listen(ctx context.Context, network Network, addr string, maxStreams int) (*transport, error) {
	const attempts = 10 // a port that is free for streams may be taken for packets
	var errs []error
	for range attempts {
		streams, err := network.Listen(ctx, "tcp", addr)
		if err != nil {
			return nil, err
		}
		packets, err := network.ListenPacket(ctx, "udp", streams.Addr().String())
		if err == nil {
			return newTransport(network, packets, streams, maxStreams), nil
		}
		streams.Close()
		errs = append(errs, err)
		if _, port, _ := net.SplitHostPort(addr); port != "0" {
			break
		}
	}
	return nil, errors.Join(errs...)
}

func newTransport(network Network, packets net.PacketConn, streams net.Listener, maxStreams int) *transport {
	t := &transport{
		net: network, packets: packets,
		packetCh: make(chan *memberlist.Packet), streamCh: make(chan net.Conn), conns: map[*conn]struct{}{},
	}
	t.parts.Max = maxParts
	t.accepted.Max = cmp.Or(maxStreams, math.MaxInt32)
	t.streams = fairshare.Listener{Listener: streams, Conns: &t.accepted}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	t.wg.Go(t.readPackets)
	t.wg.Go(t.acceptStreams)
	return t
}

// port returns the number of the port.
func (t *transport) port() int {
	_, port, _ := net.SplitHostPort(t.streams.Addr().String())
	n, _ := strconv.Atoi(port)
	return n
}

// FinalAdvertiseAddr implements memberlist.Transport.
func (t *transport) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	if ip4 := t.advertise.To4(); ip4 != nil {
		return ip4, t.port(), nil
	}
	return t.advertise, t.port(), nil
}

// WriteTo implements memberlist.Transport.
func (t *transport) WriteTo(b []byte, addr string) (time.Time, error) {
	udp, err := net.ResolveUDPAddr("udp", addr) // the library passes literal addresses, without a lookup
	if err != nil {
		return time.Time{}, err
	}
	_, err = t.packets.WriteTo(b, udp)
	return time.Now(), err
}

// PacketCh implements memberlist.Transport.
func (t *transport) PacketCh() <-chan *memberlist.Packet { return t.packetCh }

// StreamCh implements memberlist.Transport.
func (t *transport) StreamCh() <-chan net.Conn { return t.streamCh }

// DialTimeout implements memberlist.Transport.
func (t *transport) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(t.ctx, timeout)
	defer cancel()
	c, err := t.net.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return t.track(c)
}

// Shutdown implements memberlist.Transport. It closes everything and waits for the goroutines.
func (t *transport) Shutdown() error {
	t.cancel()
	err := errors.Join(t.streams.Close(), t.packets.Close())
	t.mu.Lock()
	open := t.conns
	t.conns = nil
	t.mu.Unlock()
	for c := range open {
		c.Conn.Close()
	}
	t.wg.Wait()
	return err
}

func (t *transport) readPackets() {
	buf := make([]byte, maxPacket)
	for t.ctx.Err() == nil {
		n, from, err := t.packets.ReadFrom(buf)
		if err != nil {
			t.pause(err)
			continue
		}
		if n == 0 {
			continue
		}
		p := &memberlist.Packet{Buf: append([]byte(nil), buf[:n]...), From: from, Timestamp: time.Now()}
		select {
		case t.packetCh <- p:
		case <-t.ctx.Done():
		}
	}
}

func (t *transport) acceptStreams() {
	for t.ctx.Err() == nil {
		c, err := t.streams.Accept()
		if err != nil {
			t.pause(err)
			continue
		}
		from := admission.ClientAddr(c.RemoteAddr().String())
		tracked, err := t.track(&acceptedConn{Conn: c, transport: t, from: from})
		if err != nil {
			return
		}
		select {
		case t.streamCh <- tracked:
		case <-t.ctx.Done():
			tracked.Close()
		}
	}
}

// pause keeps the loop of a failing socket, for example for want of file descriptors, from spinning.
func (t *transport) pause(err error) {
	if errors.Is(err, net.ErrClosed) {
		<-t.ctx.Done()
		return
	}
	select {
	case <-time.After(50 * time.Millisecond):
	case <-t.ctx.Done():
	}
}

// track adds a stream to the open streams.
func (t *transport) track(c net.Conn) (net.Conn, error) {
	tracked := &conn{Conn: c, t: t}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conns == nil {
		c.Close()
		return nil, net.ErrClosed
	}
	t.conns[tracked] = struct{}{}
	return tracked, nil
}

// refused returns the number of streams refused or cut for a limit.
func (t *transport) refused() uint64 {
	_, refused := t.accepted.Stats()
	_, cut := t.parts.Stats()
	return refused + cut + t.tooLong.Load()
}

// acceptedConn is a stream of another host, with limits on its bytes.
type acceptedConn struct {
	net.Conn
	transport *transport
	from      netip.Addr
	bytes     int // read

	mu     sync.Mutex
	parts  int // entered into transport.parts
	closed bool
}

// Read implements net.Conn.
func (c *acceptedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.bytes += n; c.bytes > maxStream {
		c.transport.tooLong.Add(1)
		return 0, errTooLong
	}
	if !c.enterParts() {
		return 0, errNoRoom
	}
	return n, err
}

// enterParts counts the parts behind the first one, as far as they have arrived, and reports whether there is room.
func (c *acceptedConn) enterParts() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.closed && c.bytes > (1+c.parts)*streamPart {
		if !c.transport.parts.Enter(c.from) {
			return false
		}
		c.parts++
	}
	return true
}

// Close implements net.Conn.
func (c *acceptedConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for ; c.parts > 0; c.parts-- {
		c.transport.parts.Leave(c.from)
	}
	return c.Conn.Close()
}

// conn is a stream that its transport can close.
type conn struct {
	net.Conn
	t *transport
}

// Close closes the stream and removes it from the open streams.
func (c *conn) Close() error {
	c.t.mu.Lock()
	delete(c.t.conns, c)
	c.t.mu.Unlock()
	return c.Conn.Close()
}
