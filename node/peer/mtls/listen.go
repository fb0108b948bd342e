package mtls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	protocol = "flowring-peer/1" // in ALPN; after its handshake the called node sends the byte accepted

	accepted = 'F'

	tlsHandshake = 0x16 // first byte of a TLS connection; no HTTP request begins with it

	handshakeTimeout = 3 * time.Second
)

// errPlain refuses a plain connection.
var errPlain = errors.New("a plain connection, and this node requires TLS on its peer port")

// errNotBegun is the error of a write before the first byte of a connection.
var errNotBegun = errors.New("the connection has not begun")

// Listener returns l with connections that begin with TLS or plain, as the mode allows.
func (g *Guard) Listener(l net.Listener) net.Listener {
	if g == nil {
		return l
	}
	return &listener{l, g}
}

type listener struct {
	net.Listener
	guard *Guard
}

// Accept implements net.Listener. It does not wait for bytes.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, guard: l.guard}, nil
}

// conn is a connection of the peer port. The first Read decides by its first byte, and makes the handshake.
type conn struct {
	net.Conn
	guard *Guard
	begin sync.Once
	err   error // of begin

	inner atomic.Pointer[net.Conn] // carries the calls, from begin on
	chain []*x509.Certificate      // of the caller, its own certificate first; empty: plain. Set before inner
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	c.begin.Do(func() {
		if c.err = c.start(); c.err != nil {
			c.Conn.Close()
		}
	})
	if c.err != nil {
		return 0, c.err
	}
	return (*c.inner.Load()).Read(p)
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	inner := c.inner.Load()
	if inner == nil {
		return 0, errNotBegun
	}
	return (*inner).Write(p)
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.guard.mu.Lock()
	delete(c.guard.conns, c)
	c.guard.mu.Unlock()
	if inner := c.inner.Load(); inner != nil {
		return (*inner).Close()
	}
	return c.Conn.Close()
}

// start reads the first byte, and makes the handshake of a TLS connection.
func (c *conn) start() error {
	first := make([]byte, 1)
	if _, err := c.Conn.Read(first); err != nil {
		return err
	}
	raw := &prefixed{Conn: c.Conn, prefix: first}
	if first[0] != tlsHandshake {
		c.guard.plain.Add(1)
		if c.guard.cfg.Mode == Required {
			c.guard.noteRefusal(c.RemoteAddr(), errPlain)
			return errPlain
		}
		c.inner.Store(new(net.Conn(raw)))
		return nil
	}
	t := tls.Server(raw, c.guard.server)
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTimeout)
	defer cancel()
	if err := t.HandshakeContext(ctx); err != nil {
		c.guard.noteRefusal(c.RemoteAddr(), err)
		return fmt.Errorf("TLS handshake: %w", err)
	}
	state := t.ConnectionState()
	if state.NegotiatedProtocol == protocol {
		if _, err := t.Write([]byte{accepted}); err != nil {
			return err
		}
	}
	c.chain = state.PeerCertificates
	c.inner.Store(new(net.Conn(t)))
	c.guard.mu.Lock()
	defer c.guard.mu.Unlock()
	c.guard.conns[c] = struct{}{}
	return nil
}

// certificate returns the caller's certificate; nil: the connection is plain.
func (c *conn) certificate() *x509.Certificate {
	if c.inner.Load() == nil || len(c.chain) == 0 {
		return nil
	}
	return c.chain[0]
}

// prefixed is a connection of which some bytes were read.
type prefixed struct {
	net.Conn
	prefix []byte
}

// Read implements net.Conn.
func (c *prefixed) Read(p []byte) (int, error) {
	if len(c.prefix) > 0 {
		n := copy(p, c.prefix)
		c.prefix = c.prefix[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// connKey is the key of a conn in the context of its requests.
type connKey struct{}

// ConnContext is an http.Server.ConnContext, for CheckCaller.
func (g *Guard) ConnContext(ctx context.Context, c net.Conn) context.Context {
	if own, ok := c.(*conn); ok {
		return context.WithValue(ctx, connKey{}, own)
	}
	return ctx
}
