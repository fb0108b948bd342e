package node

import (
	"net"

	"flowring/node/member"
)

// Network is what a node listens on and dials. internal/memnet has another one, for tests.
type Network = member.Network

// machine is the network of this machine.
type machine struct {
	net.ListenConfig
	net.Dialer
	*net.Resolver
}

func newMachine() Network { return &machine{Resolver: net.DefaultResolver} }
