package membership

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-json-experiment/json"

	"flowring/internal/compat"
	"flowring/ring"
	"flowring/ring/roster"
)

// Config describes the node of a State.
type Config struct {
	Name          string // of the node
	NameIsDefault bool   // no operator set Name: the name in the data folder replaces it
	Slices        int    // of an hour

	Speaks compat.Range // versions that the node speaks; zero: compat.Spoken

	NewID func(name string) roster.StoreID // draws the ID of a new store; nil: a random ID
}

// Deps are the collaborators of a State.
type Deps struct {
	Journal  Journal
	Log      *slog.Logger
	Draining func() bool // whether a drain of this store is under way or done: the store takes no new ID then; nil: never

	// For tests alone, as negative controls of safeguards.
	FollowAny   bool // merge the rosters of any cluster (safeguard.Adoption)
	DropUnknown bool // merge no fields of later programs (safeguard.KeepUnknown)
	DropFloors  bool // keep floors in memory alone (safeguard.FloorDurable)
}

// Journal keeps a node's own state.
type Journal interface {
	State(name string) ([]byte, error)
	SetState(name string, value []byte) error
	// RaiseVersion makes programs refuse the data folder that do not speak the version.
	RaiseVersion(compat.Version) error
}

// State is a node's store ID and roster. It is safe for concurrent use, except UseClusterName, ConfirmClusterName and
// SaveClusterName, which are for one goroutine.
type State struct {
	cfg     Config
	deps    Deps
	fresh   bool                // this process made the store, so no acknowledged batch can be lost
	onHours func(roster.Roster) // gets each published roster, in order
	changed func()              // called after each change but one of floors and marks alone, outside mu
	named   bool                // the data folder has the cluster's name

	mu      sync.Mutex // held while the roster changes
	current atomic.Pointer[snapshot]
}

// snapshot is one immutable value of a State.
type snapshot struct {
	self   roster.StoreID
	former []roster.StoreID // IDs given up by this store and not forgotten yet
	roster roster.Roster
	ring   *ring.Ring
}

// The names under which the journal keeps the parts of a State.
const (
	keyIdentity  = "identity" // identity
	keyPlacement = "place"    // rules of placement, ring.Parameters
	keyCluster   = "cluster"  // name of the cluster, once the store is established
)

// identity is the durable form of a snapshot. The ID and the roster are one value, so they cannot disagree.
type identity struct {
	Store  roster.StoreID `json:"store"`
	Name   string         `json:"name"`
	Roster roster.Roster  `json:"roster"`

	Former []roster.StoreID `json:"former,omitempty"` // as snapshot.former
}

// Open loads the identity from the journal, or gives the store a new one.
func Open(cfg Config, deps Deps) (*State, error) {
	s := &State{cfg: cfg, deps: deps, onHours: func(roster.Roster) {}, changed: func() {}}
	if s.deps.Draining == nil {
		s.deps.Draining = func() bool { return false }
	}
	s.cfg.Speaks = cmp.Or(s.cfg.Speaks, compat.Spoken())
	if s.cfg.NewID == nil {
		s.cfg.NewID = func(string) roster.StoreID { return roster.NewStoreID() }
	}
	value, err := s.deps.Journal.State(keyIdentity)
	if err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	if value == nil {
		id := s.cfg.NewID(s.cfg.Name)
		s.fresh = true
		return s, s.save(id, nil, roster.Roster{}.With(roster.Store{ID: id, Name: s.cfg.Name}))
	}
	var id identity
	if err := json.Unmarshal(value, &id); err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	if s.cfg.NameIsDefault {
		s.cfg.Name = id.Name
	}
	if id.Name != s.cfg.Name {
		return nil, fmt.Errorf("the data folder belongs to node %q, and this node is named %q: give it its own folder,"+
			" or its name back", id.Name, s.cfg.Name)
	}
	if err := s.checkVersion(id.Roster); err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	s.publish(id.Store, id.Former, id.Roster)
	if _, err := s.changeLocked(func(r roster.Roster) (roster.Roster, error) { return r, nil }); err != nil {
		return nil, err
	}
	return s, s.replaceID()
}

// CheckPlacement refuses a data folder whose hours have another number of slices or other rules of placement, because
// the node would look for batches on the wrong stores.
func CheckPlacement(journal Journal, slices int) error {
	now := ring.Parameters(slices)
	value, err := journal.State(keyPlacement)
	switch {
	case err != nil:
		return fmt.Errorf("load placement: %w", err)
	case value == nil:
		return journal.SetState(keyPlacement, []byte(now))
	case string(value) != now:
		return fmt.Errorf("the data folder was written with %s, this node has %s: the slices of an hour cannot be changed",
			value, now)
	}
	return nil
}

// IDOfName derives a store ID from the node's name, so a store on a new disk has the ID of the lost one. It is the
// negative control of P9.
func IDOfName(name string) roster.StoreID {
	sum := sha256.Sum256([]byte(name))
	return roster.StoreID(hex.EncodeToString(sum[:16]))
}

// OnChange makes fn run after each change but one of floors and marks alone. It must be called before other goroutines
// change the State.
func (s *State) OnChange(fn func()) { s.changed = fn }

// Fresh reports whether this process made the store.
func (s *State) Fresh() bool { return s.fresh }

// Name returns the node's name: the configured one, or the name in the data folder if the configured one is a default.
func (s *State) Name() string { return s.cfg.Name }

// Self returns this node's store as its roster has it.
func (s *State) Self() roster.Store {
	now := s.current.Load()
	self, _ := now.roster.Get(now.self)
	return self
}

// Former returns the IDs given up by this store and not forgotten yet. The store has all batches of its former IDs.
func (s *State) Former() []roster.StoreID { return s.current.Load().former }

// Roster returns the current roster.
func (s *State) Roster() roster.Roster { return s.current.Load().roster }

// Ring returns the ring of the current roster.
func (s *State) Ring() *ring.Ring { return s.current.Load().ring }

// save makes an identity durable and publishes it. The caller holds mu, or has not published s yet.
func (s *State) save(self roster.StoreID, former []roster.StoreID, roster roster.Roster) error {
	if err := s.deps.Journal.RaiseVersion(roster.Version()); err != nil {
		return fmt.Errorf("save roster: %w", err)
	}
	value, err := json.Marshal(identity{self, s.cfg.Name, s.durable(roster), former})
	if err != nil {
		return fmt.Errorf("save roster: %w", err)
	}
	if err := s.deps.Journal.SetState(keyIdentity, value); err != nil {
		return fmt.Errorf("save roster: %w", err)
	}
	s.publish(self, former, roster)
	return nil
}

func (s *State) publish(self roster.StoreID, former []roster.StoreID, roster roster.Roster) {
	s.current.Store(&snapshot{self, former, roster, s.ringOf(roster.Members())})
	s.onHours(roster)
}

// ringOf returns the ring of the members: the present one if they are the same, because a new one costs milliseconds.
func (s *State) ringOf(members []string) *ring.Ring {
	if now := s.current.Load(); now != nil && slices.Equal(now.ring.Members(), members) {
		return now.ring
	}
	return ring.New(members, s.cfg.Slices)
}

// change replaces the roster by the result of fn.
func (s *State) change(fn func(roster.Roster) (roster.Roster, error)) error {
	changed, err := s.changeLocked(fn)
	if changed {
		s.changed()
	}
	return err
}

// changeLocked reports whether the roster has changed in more than its floors and marks.
func (s *State) changeLocked(fn func(roster.Roster) (roster.Roster, error)) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.current.Load()
	next, err := fn(now.roster)
	if err != nil {
		return false, err
	}
	if next = s.correct(next); next.Equal(now.roster) {
		return false, nil
	}
	if err := s.save(now.self, now.former, next); err != nil {
		return false, err
	}
	return !onlyFloors(now.roster, next), s.replaceID()
}

// replaceID draws a new store ID if the store is forgotten, or is leaving while no drain of it is under way. The
// batches of the store are as good as any, but its acks are not, so it joins as a new store and offers its batches. A
// drain that was given up ends here too, because the roster never loses a mark: the leaving ID is a former one until
// ForgetFormer. The caller holds mu, or has not published s yet.
func (s *State) replaceID() error {
	now := s.current.Load()
	self, known := now.roster.Get(now.self)
	if s.deps.Draining() || known && !self.Forgotten && !self.Leaving {
		return nil
	}
	id, former := roster.NewStoreID(), now.former
	if known && !self.Forgotten {
		former = append(slices.Clone(former), self.ID)
		s.deps.Log.Warn("this store was leaving, and no drain is under way: it joins again as a new one, with its batches",
			"old", now.self, "new", id)
	} else {
		s.deps.Log.Warn("this store was forgotten by the cluster: it joins again as a new one, with its batches",
			"old", now.self, "new", id)
	}
	return s.save(id, former, now.roster.With(roster.Store{ID: id, Name: s.cfg.Name}))
}

// GiveUpDrain gives the store a new ID if it is leaving. Draining must report false by then.
func (s *State) GiveUpDrain() error {
	s.mu.Lock()
	err := s.replaceID()
	s.mu.Unlock()
	s.changed()
	return err
}

// ForgetFormer marks the former IDs of this store as forgotten, in one write, and returns them. The store must be
// established. No reader misses a batch: the store has all batches of its former IDs, and a reader of this roster knows
// the new ID.
func (s *State) ForgetFormer() ([]roster.StoreID, error) {
	former, err := s.forgetFormerLocked()
	if err == nil {
		s.changed()
	}
	return former, err
}

func (s *State) forgetFormerLocked() ([]roster.StoreID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.current.Load()
	roster := now.roster
	for _, id := range now.former {
		gone, _ := roster.Get(id)
		gone.Leaving, gone.Forgotten = true, true
		roster = roster.With(gone)
	}
	return now.former, s.save(now.self, nil, roster)
}

// MergeRoster merges the roster of another node. If one of the two nodes belongs to no cluster, neither merges the
// other's roster: the node of no cluster must adopt the cluster first.
func (s *State) MergeRoster(other roster.Roster) error {
	if other.Equal(s.Roster()) {
		return nil
	}
	if err := s.checkVersion(other); err != nil {
		return fmt.Errorf("merge rosters: %w", err)
	}
	if s.deps.DropUnknown {
		other = other.WithoutUnknown()
	}
	return s.change(func(mine roster.Roster) (roster.Roster, error) {
		switch {
		case s.deps.FollowAny || mine.Cluster() == other.Cluster() || other.Len() == 0:
		case mine.Cluster() == "":
			return mine, &NotAdoptedError{other.Cluster()}
		case other.Cluster() == "":
			return mine, ErrCallerNoMember
		}
		return mine.Merge(other)
	})
}

// ErrCallerNoMember refuses the roster of a node of no cluster at a member of one.
var ErrCallerNoMember = errors.New("the caller belongs to no cluster, and this node does")

// NotAdoptedError refuses the roster of a member at a node of no cluster, before the node has adopted the member's
// cluster.
type NotAdoptedError struct{ Cluster string }

// Error names the cluster.
func (e *NotAdoptedError) Error() string {
	return fmt.Sprintf("this node belongs to no cluster, and has not adopted cluster %s", e.Cluster)
}

// OneHasNoCluster reports whether the only reason of err is a node of no cluster.
func OneHasNoCluster(err error) bool {
	return errors.Is(err, ErrCallerNoMember) || errors.As(err, new(*NotAdoptedError))
}

// AdoptCluster makes a store of no cluster a store of the cluster with this ID.
func (s *State) AdoptCluster(id string) error {
	return s.change(func(r roster.Roster) (roster.Roster, error) { return r.WithCluster(id) })
}

// FoundCluster makes a store of no cluster a store of a new cluster, with the oldest version that the node speaks.
func (s *State) FoundCluster() error {
	return s.change(func(r roster.Roster) (roster.Roster, error) {
		return r.WithVersion(s.cfg.Speaks.Oldest).WithCluster(roster.NewClusterID())
	})
}

// Mark adds the flags of one store to the roster.
func (s *State) Mark(store roster.Store) error {
	return s.change(func(r roster.Roster) (roster.Roster, error) { return r.With(store), nil })
}
