package memnet

import (
	"context"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
)

// backlog bounds the connections that wait for Accept; further dials wait.
const backlog = 128

// listener is a net.Listener.
type listener struct {
	host    *Host
	at      netip.AddrPort // with the IP given to Listen
	waiting chan *conn
	done    chan struct{}
	once    sync.Once
}

func newListener(h *Host, at netip.AddrPort) *listener {
	return &listener{host: h, at: at, waiting: make(chan *conn, backlog), done: make(chan struct{})}
}

// Addr returns the address given to Listen, with the real port.
func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.at) }

// Accept waits for the next connection.
func (l *listener) Accept() (net.Conn, error) {
	if !l.isClosed() {
		select {
		case c := <-l.waiting:
			return c, nil
		case <-l.done:
		}
	}
	return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
}

// Close resets the connections that wait for Accept.
func (l *listener) Close() error {
	err := error(&net.OpError{Op: "close", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed})
	l.once.Do(func() {
		l.host.net.mu.Lock()
		delete(l.host.listeners, int(l.at.Port()))
		l.host.net.mu.Unlock()
		close(l.done)
		l.drain()
		err = nil
	})
	return err
}

// offer queues a new connection for Accept, or fails and resets it.
func (l *listener) offer(ctx context.Context, c *conn) error {
	select {
	case l.waiting <- c:
		if l.isClosed() {
			l.drain() // Close may have drained before c was there
		}
		return nil
	case <-l.done:
		c.abort()
		return os.NewSyscallError("connect", syscall.ECONNREFUSED)
	case <-ctx.Done():
		c.abort()
		return ctx.Err()
	case <-c.peer().host.down:
		c.abort()
		return os.NewSyscallError("connect", syscall.ENETDOWN)
	}
}

func (l *listener) isClosed() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

func (l *listener) drain() {
	for {
		select {
		case c := <-l.waiting:
			c.abort()
		default:
			return
		}
	}
}
