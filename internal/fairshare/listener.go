package fairshare

import (
	"net"
	"net/netip"
	"sync"

	"flowring/router/admission"
)

// Listener is a listener with a limit on open connections. It closes a connection beyond the limit at once: an answer
// would cost more than the connection.
type Listener struct {
	net.Listener
	Conns   *Counter
	Refused func(from net.Addr) // called for each connection beyond the limit; nil: nothing is
}

// Accept implements net.Listener.
func (l Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		addr := admission.ClientAddr(c.RemoteAddr().String())
		if l.Conns.Enter(addr) {
			return &countedConn{Conn: c, conns: l.Conns, addr: addr}, nil
		}
		if l.Refused != nil {
			l.Refused(c.RemoteAddr())
		}
		c.Close()
	}
}

// countedConn leaves the counter when it is closed.
type countedConn struct {
	net.Conn
	conns *Counter
	addr  netip.Addr
	once  sync.Once
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	c.once.Do(func() { c.conns.Leave(c.addr) })
	return c.Conn.Close()
}
