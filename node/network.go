package node

import (
	"context"
	"net"
)

// Network is what a node listens on and dials. internal/memnet has another one, for tests.
type Network interface {
	Listen(ctx context.Context, network, addr string) (net.Listener, error)
	ListenPacket(ctx context.Context, network, addr string) (net.PacketConn, error)
	DialContext(ctx context.Context, network, addr string) (net.Conn, error)
	LookupHost(ctx context.Context, host string) ([]string, error)
}

// machine is the network of this machine.
type machine struct {
	net.ListenConfig
	net.Dialer
	*net.Resolver
}

func newMachine() Network { return &machine{Resolver: net.DefaultResolver} }
