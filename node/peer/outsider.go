package peer

import (
	"net"

	"flowring/internal/compat"
	"flowring/ring/roster"
)

// outsider is an empty roster, which stays empty.
type outsider struct{}

func (outsider) Roster() roster.Roster           { return roster.Roster{} }
func (outsider) Offer() compat.Offer             { return compat.Offer{Speaks: compat.Spoken()} }
func (outsider) MergeRoster(roster.Roster) error { return nil }

// NewOutsider returns a client for a program other than a node, such as the command line of an operator. A server
// cannot distinguish it from a node without a cluster.
func NewOutsider() *Client {
	return NewClient(ClientDeps{Rosters: outsider{}, Dial: new(net.Dialer).DialContext})
}
