package membership

import "flowring/ring/roster"

// Deaf ignores the rosters in answers, except that a node of no cluster learns of the cluster. It is the negative
// control of merging rosters before acks are counted, for tests alone.
type Deaf struct{ *State }

// MergeRoster implements peer.Rosters.
func (d Deaf) MergeRoster(o roster.Roster) error {
	if d.Roster().Cluster() == "" {
		return d.State.MergeRoster(o)
	}
	return nil
}
