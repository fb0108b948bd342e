package peer

import (
	"net"

	"flowring/ring/roster"
)

// outsider is the roster of one who is no node: it knows nothing and learns nothing.
type outsider struct{}

func (outsider) Roster() roster.Roster           { return roster.Roster{} }
func (outsider) MergeRoster(roster.Roster) error { return nil }

// NewOutsider returns a client for one who is no node, an operator's command line say: what it calls cannot tell it from a node of a
// cluster not known yet.
func NewOutsider() *Client {
	return NewClient(ClientDeps{Rosters: outsider{}, Dial: new(net.Dialer).DialContext})
}
