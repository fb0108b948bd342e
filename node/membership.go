package node

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-json-experiment/json"

	"flowring/ring"
)

// membership is which store this node holds and what roster it knows: durable, and published with the ring that follows.
type membership struct {
	name    string
	slices  int // of an hour
	journal states
	log     *slog.Logger
	fresh   bool        // the store was made by this process: it has acknowledged nothing that it could have lost
	changed func()      // called after each change, outside mu
	leaving func() bool // whether a drain of this store is under way, or done: it does not join again then
	named   bool        // the data folder has the cluster's name; after the start it is for meet alone
	follows bool        // any cluster is adopted whose roster comes: the negative control of adoption

	mu  sync.Mutex // held while the roster changes
	now atomic.Pointer[placement]
}

// placement is one immutable state of membership.
type placement struct {
	self   ring.StoreID
	former []ring.StoreID // IDs that this store gave up and has not forgotten yet
	roster ring.Roster
	ring   *ring.Ring
}

// states is the part of the journal that keeps a node's own state.
type states interface {
	State(name string) ([]byte, error)
	SetState(name string, value []byte) error
}

// The names under which a node's state is kept.
const (
	stateIdentity = "identity" // identity
	statePlace    = "place"    // what placement rests on, ring.Parameters
	stateSettled  = "settled"  // names on the last ring that was taken over in full, JSON
	stateCluster  = "cluster"  // name of the cluster, once the store is established
	stateKnown    = "known"    // gossip addresses of other nodes, JSON: of earlier versions

	stateWhereabouts = "whereabouts" // where the node was last, and the gossip addresses that it remembers
)

// identity is what a store must not forget. Its ID and the roster change together: in one value they cannot disagree.
type identity struct {
	Store  ring.StoreID `json:"store"`
	Name   string       `json:"name"`
	Roster ring.Roster  `json:"roster"`

	Former []ring.StoreID `json:"former,omitempty"` // as placement.former
}

// openMembership loads the identity that the journal has, or gives the store a new one.
func openMembership(
	cfg Config, nameIsDefault bool, journal states, newID func(name string) ring.StoreID, log *slog.Logger,
) (*membership, error) {
	m := &membership{
		name: cfg.Name, slices: cfg.HourSlices, journal: journal, log: log,
		changed: func() {}, leaving: func() bool { return false },
	}
	value, err := journal.State(stateIdentity)
	if err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	if value == nil {
		id := newID(m.name)
		m.fresh = true
		return m, m.save(id, nil, ring.Roster{}.With(ring.Store{ID: id, Name: m.name}))
	}
	var id identity
	if err := json.Unmarshal(value, &id); err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	if nameIsDefault {
		m.name = id.Name
	}
	if id.Name != m.name {
		return nil, fmt.Errorf("the data folder belongs to node %q, and this node is named %q: give it its own folder, or its name back", id.Name, m.name)
	}
	m.publish(id.Store, id.Former, id.Roster)
	return m, m.reidentify()
}

// checkPlacement refuses a folder whose hours have another number of slices, or are placed by other rules: batches would be looked
// for where they are not.
func checkPlacement(journal states, slices int) error {
	now := ring.Parameters(slices)
	value, err := journal.State(statePlace)
	switch {
	case err != nil:
		return fmt.Errorf("load placement: %w", err)
	case value == nil:
		return journal.SetState(statePlace, []byte(now))
	case string(value) != now:
		return fmt.Errorf("the data folder was written with %s, this node has %s: the slices of an hour cannot be changed", value, now)
	}
	return nil
}

// drawID draws the ID of a new store.
func drawID(string) ring.StoreID { return ring.NewStoreID() }

// sameID gives a node's new store the ID that its last one had: the negative control of P9.
func sameID(name string) ring.StoreID {
	sum := sha256.Sum256([]byte(name))
	return ring.StoreID(hex.EncodeToString(sum[:16]))
}

// save makes an identity durable and publishes it. mu is held, or nobody else knows m yet.
func (m *membership) save(self ring.StoreID, former []ring.StoreID, roster ring.Roster) error {
	value, err := json.Marshal(identity{self, m.name, roster, former})
	if err != nil {
		return fmt.Errorf("save roster: %w", err)
	}
	if err := m.journal.SetState(stateIdentity, value); err != nil {
		return fmt.Errorf("save roster: %w", err)
	}
	m.publish(self, former, roster)
	return nil
}

func (m *membership) publish(self ring.StoreID, former []ring.StoreID, roster ring.Roster) {
	next := &placement{self, former, roster, roster.Ring(m.slices)}
	m.now.Store(next)
}

// change replaces the roster by what fn makes of it.
func (m *membership) change(fn func(ring.Roster) (ring.Roster, error)) error {
	changed, err := m.changeLocked(fn)
	if changed {
		m.changed()
	}
	return err
}

func (m *membership) changeLocked(fn func(ring.Roster) (ring.Roster, error)) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now.Load()
	next, err := fn(now.roster)
	if err != nil || next.Equal(now.roster) {
		return false, err
	}
	if err := m.save(now.self, now.former, next); err != nil {
		return false, err
	}
	return true, m.reidentify()
}

// reidentify draws a new store ID if the store was forgotten, or is leaving and no drain of it is under way. Its batches are as good as
// any, but its acks are not. It joins as a new store and offers what it holds. A flag is never taken back, so a drain that is given up
// ends like this too: the ID that was leaving is a former one until the new ID is established (see forgetFormer). mu is held, or nobody
// else knows m yet.
func (m *membership) reidentify() error {
	now := m.now.Load()
	self, known := now.roster.Get(now.self)
	if m.leaving() || known && !self.Forgotten && !self.Leaving {
		return nil
	}
	id, former := ring.NewStoreID(), now.former
	if known && !self.Forgotten {
		former = append(slices.Clone(former), self.ID)
		m.log.Warn("this store was leaving, and no drain is under way: it joins again as a new one, with what it holds", "old", now.self, "new", id)
	} else {
		m.log.Warn("this store was forgotten by the cluster: it joins again as a new one, with what it holds", "old", now.self, "new", id)
	}
	return m.save(id, former, now.roster.With(ring.Store{ID: id, Name: m.name}))
}

// giveUp goes on under a new ID, once no drain is under way any more.
func (m *membership) giveUp() error {
	m.mu.Lock()
	err := m.reidentify()
	m.mu.Unlock()
	m.changed()
	return err
}

// forgetFormer forgets the IDs that this store gave up, and returns them. The store must be established: it holds all that it held under
// them, so that nothing is lost which a reader could miss, and a reader that knows them as forgotten knows the new ID.
func (m *membership) forgetFormer() ([]ring.StoreID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now.Load()
	roster := now.roster
	for _, id := range now.former {
		s, _ := roster.Get(id)
		s.Leaving, s.Forgotten = true, true
		roster = roster.With(s)
	}
	return now.former, m.save(now.self, nil, roster)
}

// Former returns the IDs that this store gave up and has not forgotten yet: it holds all that it held under them.
func (m *membership) Former() []ring.StoreID { return m.now.Load().former }

// Self returns this node's store as its roster has it.
func (m *membership) Self() ring.Store {
	now := m.now.Load()
	self, _ := now.roster.Get(now.self)
	return self
}

// Roster returns the roster of now.
func (m *membership) Roster() ring.Roster { return m.now.Load().roster }

// Ring returns the ring of now.
func (m *membership) Ring() *ring.Ring { return m.now.Load().ring }

// MergeRoster takes in what another node knows. Of nodes only one of which belongs to a cluster neither takes in what the other knows:
// the one that belongs to none adopts the cluster first.
func (m *membership) MergeRoster(o ring.Roster) error {
	if o.Equal(m.Roster()) {
		return nil
	}
	return m.change(func(r ring.Roster) (ring.Roster, error) {
		switch {
		case m.follows || r.Cluster() == o.Cluster() || o.Len() == 0:
		case r.Cluster() == "":
			return r, &adoptError{o.Cluster()}
		case o.Cluster() == "":
			return r, errNoMember
		}
		return r.Merge(o)
	})
}

// errNoMember refuses a node of no cluster at a member of one.
var errNoMember = errors.New("the caller belongs to no cluster, and this node does")

// adoptError refuses a member of a cluster at a node of no cluster, which has not adopted that cluster.
type adoptError struct{ cluster string }

func (e *adoptError) Error() string {
	return fmt.Sprintf("this node belongs to no cluster, and has not adopted cluster %s", e.cluster)
}

// adopt makes a store of no cluster one of this cluster, durably.
func (m *membership) adopt(cluster string) error {
	return m.change(func(r ring.Roster) (ring.Roster, error) { return r.WithCluster(cluster) })
}

// mark adds what is said of one store to the roster.
func (m *membership) mark(s ring.Store) error {
	return m.change(func(r ring.Roster) (ring.Roster, error) { return r.With(s), nil })
}
