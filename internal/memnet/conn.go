package memnet

import (
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// conn is one end of a stream: a net.Conn that can also close its writing side alone.
type conn struct {
	s             *stream
	side          int
	host          *Host
	local, remote netip.AddrPort

	limits        // with the stream's bell, which guards these too:
	finished bool // CloseWrite was called
	writing  bool // a Write is under way: others wait, so that writes do not mix
}

func (c *conn) peer() *conn { return c.s.ends[1-c.side] }
func (c *conn) out() *half  { return &c.s.halves[c.side] }
func (c *conn) in() *half   { return &c.s.halves[1-c.side] }

// LocalAddr returns a *net.TCPAddr.
func (c *conn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.local) }

// RemoteAddr returns a *net.TCPAddr.
func (c *conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// Read waits until something has arrived.
func (c *conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		n, next, err := c.tryRead(p, time.Now())
		if err != nil && err != io.EOF {
			return 0, c.fail("read", err)
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
	n, next, err = c.in().take(p, now)
	if n > 0 {
		c.mu.ring() // there is room again
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
		c.mu.ring()
	}()
	for {
		k, next, err := c.tryWrite(p[n:], time.Now())
		n += k
		if err != nil {
			return n, c.fail("write", err)
		}
		if n == len(p) {
			return n, nil
		}
		c.mu.wait(earlier(next, c.writeBy))
	}
}

// tryWrite puts as much of p as there is room for. next is when the end that the peer sent will arrive.
func (c *conn) tryWrite(p []byte, now time.Time) (n int, next time.Time, err error) {
	if err := c.check(c.writeBy, now); err != nil {
		return 0, next, err
	}
	end, next := c.in().ending()
	switch {
	case due(next, now) && end == reset:
		return 0, next, syscall.ECONNRESET
	case due(next, now) || c.finished:
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
		c.mu.ring()
	}
}

// CloseWrite tells the peer that no more data comes; reading goes on.
func (c *conn) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.fail("close", net.ErrClosed)
	}
	if !c.finished {
		c.finished = true
		c.out().put(chunk{mark: eof}, time.Now())
		c.mu.ring()
	}
	return nil
}

// Close lets the peer read what was written and then the end. What this end has not read is lost.
func (c *conn) Close() error {
	if !c.end(func(now time.Time) { c.out().put(chunk{mark: gone}, now) }) {
		return c.fail("close", net.ErrClosed)
	}
	return nil
}

// abort closes with a reset: the peer loses what has not arrived.
func (c *conn) abort() {
	c.end(func(now time.Time) {
		c.out().lose(now)
		c.out().put(chunk{mark: reset}, now)
	})
}

// end closes this end, with last as the last thing that it sends. It returns false if that was done before.
func (c *conn) end(last func(now time.Time)) bool {
	over, first := c.endOnce(last)
	if over {
		c.s.net.forget(c.s)
	}
	return first
}

func (c *conn) endOnce(last func(now time.Time)) (over, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false, false
	}
	c.closed = true
	c.in().close()
	last(time.Now())
	c.mu.ring()
	return c.peer().closed, true
}

func (c *conn) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}
