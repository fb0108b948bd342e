package memnet

import (
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// conn is one end of a stream: a net.Conn with CloseWrite.
type conn struct {
	s             *stream
	side          int
	host          *Host
	local, remote netip.AddrPort

	deadlines        // its mutex is the stream's, which guards the next fields too
	writeClosed bool // CloseWrite was called
	writing     bool // a Write is in progress; others wait, because writes must not mix
}

func (c *conn) peer() *conn { return c.s.ends[1-c.side] }
func (c *conn) out() *half  { return &c.s.halves[c.side] }
func (c *conn) in() *half   { return &c.s.halves[1-c.side] }

// LocalAddr returns a *net.TCPAddr.
func (c *conn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.local) }

// RemoteAddr returns a *net.TCPAddr.
func (c *conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// Read waits for at least one byte, or for the end of the stream.
func (c *conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		n, next, err := c.tryRead(p, time.Now())
		if err != nil && err != io.EOF {
			return 0, c.opError("read", err)
		}
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
		c.mu.wait(earlier(next, c.readBy))
	}
}

func (c *conn) tryRead(p []byte, now time.Time) (n int, next time.Time, err error) {
	if err := c.check(c.readBy, now); err != nil {
		return 0, next, err
	}
	n, next, err = c.in().read(p, now)
	if n > 0 {
		c.mu.broadcast() // there is room again
	}
	return n, next, err
}

// Write waits until the stream has taken all of p.
func (c *conn) Write(p []byte) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.writing {
		c.mu.wait(time.Time{})
	}
	c.writing = true
	defer func() {
		c.writing = false
		c.mu.broadcast()
	}()
	for {
		k, next, err := c.tryWrite(p[n:], time.Now())
		n += k
		if err != nil {
			return n, c.opError("write", err)
		}
		if n == len(p) {
			return n, nil
		}
		c.mu.wait(earlier(next, c.writeBy))
	}
}

// tryWrite writes the part of p for which the stream has room. next is the time at which the peer's end of the stream
// arrives (zero: the peer has not ended it).
func (c *conn) tryWrite(p []byte, now time.Time) (n int, next time.Time, err error) {
	if err := c.check(c.writeBy, now); err != nil {
		return 0, next, err
	}
	end, next := c.in().endMark()
	switch {
	case due(next, now) && end == reset:
		return 0, next, syscall.ECONNRESET
	case due(next, now) || c.writeClosed:
		return 0, next, syscall.EPIPE
	}
	n = min(len(p), capacity-c.out().unread)
	c.put(p[:n], now)
	c.out().count.streamBytes.Add(int64(n))
	return n, next, nil
}

func (c *conn) put(p []byte, now time.Time) {
	if len(p) > 0 {
		c.out().put(chunk{data: append([]byte(nil), p...)}, now)
		c.mu.broadcast()
	}
}

// CloseWrite ends the writing side. Reading continues.
func (c *conn) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.opError("close", net.ErrClosed)
	}
	if !c.writeClosed {
		c.writeClosed = true
		c.out().put(chunk{mark: eof}, time.Now())
		c.mu.broadcast()
	}
	return nil
}

// Close ends the stream. The peer reads the written bytes and then the end. Bytes unread at this end are lost.
func (c *conn) Close() error {
	if !c.closeWith(func(now time.Time) { c.out().put(chunk{mark: gone}, now) }) {
		return c.opError("close", net.ErrClosed)
	}
	return nil
}

// abort ends the stream with a reset: the peer loses the bytes in flight.
func (c *conn) abort() {
	c.closeWith(func(now time.Time) {
		c.out().dropInFlight(now)
		c.out().put(chunk{mark: reset}, now)
	})
}

// closeWith closes this end; last sends its last chunk. It returns false if this end was closed before.
func (c *conn) closeWith(last func(now time.Time)) bool {
	over, first := c.closeOnceWith(last)
	if over {
		c.s.net.removeStream(c.s)
	}
	return first
}

func (c *conn) closeOnceWith(last func(now time.Time)) (over, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false, false
	}
	c.closed = true
	c.in().close()
	last(time.Now())
	c.mu.broadcast()
	return c.peer().closed, true
}

func (c *conn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}
