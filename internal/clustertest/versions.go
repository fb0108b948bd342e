package clustertest

import (
	"cmp"
	"fmt"
	"time"

	"flowring/internal/clustertest/stranger"
	"flowring/internal/compat"
	"flowring/ring/roster"
)

// SetNewest makes the next processes of a machine speak version 1 to this one, like other programs.
func (c *Cluster) SetNewest(name string, v compat.Version) {
	m := c.place(name)
	c.mu.Lock()
	defer c.mu.Unlock()
	m.newest = v
}

// exchange sends a roster to a node, and returns the roster of the answer.
func (c *Cluster) exchange(name string, sent roster.Roster) (roster.Roster, error) {
	return stranger.Exchange(c.Net.Host("10.0.5.1").DialContext, at(c.Addr(name), PeerPort), sent)
}

// addLater adds a field of a later program to the roster of a node. From now on every node must have the field.
func (r *runner) addLater(name string) error {
	n := r.c.Node(name)
	if n == nil {
		return nil
	}
	r.want.Later = true
	_, err := r.c.exchange(name, stranger.Later(n.Members().Cluster))
	return err
}

// judgeRosters returns nil when the roster of every running node is as wanted.
func (r *runner) judgeRosters() error {
	for _, name := range r.c.Running() {
		heard, err := r.c.exchange(name, roster.Roster{})
		if err := cmp.Or(err, r.want.Check(heard)); err != nil {
			return fmt.Errorf("roster of %s: %w", name, err)
		}
	}
	return nil
}

// changeVersion makes a node speak version 1 to this one. A running node is restarted.
func (r *runner) changeVersion(name string, v compat.Version) {
	r.c.SetNewest(name, v)
	if r.c.Node(name) != nil {
		r.c.Stop(name, 25*time.Second)
		r.start(name)
	}
}
