package port

import (
	"net"
	"net/netip"
	"sync"

	"flowring/internal/fairshare"
	"flowring/router/admission"
)

// limited is a listener with a limit on open connections, shared fairly by address (P16). It closes a connection beyond
// the limit at once: an answer would cost more than the connection.
type limited struct {
	net.Listener
	conns   *fairshare.Counter
	refused func(from net.Addr)
}

// Accept implements net.Listener.
func (l limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		addr := admission.ClientAddr(c.RemoteAddr().String())
		if l.conns.Enter(addr) {
			return &countedConn{Conn: c, conns: l.conns, addr: addr}, nil
		}
		l.refused(c.RemoteAddr())
		c.Close()
	}
}

// countedConn leaves the counter when it is closed.
type countedConn struct {
	net.Conn
	conns *fairshare.Counter
	addr  netip.Addr
	once  sync.Once
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	c.once.Do(func() { c.conns.Leave(c.addr) })
	return c.Conn.Close()
}
