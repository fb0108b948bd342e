package node

import (
	"net"

	"flowring/node/member"
)

// Network opens listeners and dials. Package internal/memnet has an implementation for tests.
type Network = member.Network

// machine is the network of this machine.
type machine struct {
	net.ListenConfig
	net.Dialer
	*net.Resolver
}

func newMachine() Network { return &machine{Resolver: net.DefaultResolver} }
