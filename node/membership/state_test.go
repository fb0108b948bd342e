package membership

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"flowring/internal/compat"
	"flowring/ring/roster"
)

// diary is a journal's states in memory.
type diary struct {
	mu     sync.Mutex
	states map[string][]byte
	fail   error
	write  func() // runs before each write

	version compat.Version // of the folder
}

func (d *diary) State(name string) ([]byte, error) { return d.states[name], d.fail }

func (d *diary) SetState(name string, value []byte) error {
	if d.write != nil {
		d.write()
	}
	if d.fail != nil {
		return d.fail
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.states == nil {
		d.states = map[string][]byte{}
	}
	d.states[name] = slices.Clone(value)
	return nil
}

func (d *diary) RaiseVersion(v compat.Version) error {
	d.version = max(d.version, v)
	return d.fail
}

func opened(t *testing.T, d *diary) *State {
	t.Helper()
	m, err := Open(Config{Name: "a", Slices: 1}, Deps{Journal: d, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func someStore(name string) roster.Store {
	return roster.Store{ID: roster.NewStoreID(), Name: name, Established: true}
}

func TestMembershipOutlivesTheProcess(t *testing.T) {
	d := &diary{}
	m := opened(t, d)
	if !m.Fresh() || m.Self().Established || m.Self().Name != "a" {
		t.Errorf("a new store = %+v, fresh %t, want fresh and not established", m.Self(), m.Fresh())
	}
	b, self := someStore("b"), m.Self()
	self.Established = true
	if err := errors.Join(m.Mark(self), m.MergeRoster(roster.Roster{}.With(b))); err != nil {
		t.Fatal(err)
	}
	again := opened(t, d)
	if again.Fresh() || again.Self() != self || !again.Roster().Equal(m.Roster()) || again.Ring().Version() != m.Ring().Version() {
		t.Errorf("opened again = %+v with %+v, fresh %t, want %+v with %+v",
			again.Self(), again.Roster(), again.Fresh(), self, m.Roster())
	}
}

// A roster is on disk before it is visible, because a crash must not undo a roster that other parts have acted on.
func TestRosterIsDurableBeforeItIsVisible(t *testing.T) {
	d := &diary{}
	m := opened(t, d)
	b := someStore("b")
	writes := 0
	d.write = func() {
		writes++
		if _, visible := m.Roster().Get(b.ID); visible {
			t.Error("a store is visible before it is on disk")
		}
	}
	if err := m.Mark(b); err != nil || writes != 1 {
		t.Fatalf("Mark = %v after %d writes, want nil after 1", err, writes)
	}
	if _, visible := m.Roster().Get(b.ID); !visible {
		t.Error("a store that was marked is not visible")
	}
	d.write, d.fail = nil, errors.New("disk")
	c := someStore("c")
	if err := m.Mark(c); !errors.Is(err, d.fail) {
		t.Errorf("Mark on a failing disk = %v, want its error", err)
	}
	if _, visible := m.Roster().Get(c.ID); visible {
		t.Error("a store is visible that could not be made durable")
	}
}

func TestKnownRosterCostsNoWrite(t *testing.T) {
	d := &diary{}
	m := opened(t, d)
	changes := 0
	m.OnChange(func() { changes++ })
	d.write = func() { t.Error("a write for nothing new") }
	if err := errors.Join(m.Mark(m.Self()), m.MergeRoster(m.Roster()), m.MergeRoster(roster.Roster{})); err != nil || changes != 0 {
		t.Errorf("%v, %d changes, want none", err, changes)
	}
	d.write = nil
	if err := m.Mark(someStore("b")); err != nil || changes != 1 {
		t.Errorf("%v, %d changes, want 1", err, changes)
	}
}

// A forgotten store joins again as a new one, because its acks must not count as acks of the old one.
func TestForgottenStoreBecomesANewOne(t *testing.T) {
	for _, when := range []string{"while it runs", "before it starts"} {
		t.Run(when, func(t *testing.T) {
			d := &diary{}
			m := opened(t, d)
			old := m.Self()
			old.Established = true
			gone := old
			gone.Forgotten = true
			if when == "while it runs" {
				if err := errors.Join(m.Mark(old), m.MergeRoster(roster.Roster{}.With(gone))); err != nil {
					t.Fatal(err)
				}
			} else {
				if err := m.save(old.ID, nil, m.Roster().With(gone)); err != nil {
					t.Fatal(err)
				}
				m = opened(t, d)
			}
			self := m.Self()
			if self.ID == old.ID || self.Established || self.Name != "a" {
				t.Errorf("after being forgotten the store is %+v, want a new one that is not established", self)
			}
			if was, ok := m.Roster().Get(old.ID); !ok || !was.Forgotten {
				t.Errorf("the tombstone is %+v, %t, want it kept", was, ok)
			}
			if again := opened(t, d); again.Self() != self {
				t.Errorf("opened again the store is %+v, want %+v", again.Self(), self)
			}
		})
	}
}

// A drained store stays forgotten: it does not return by itself.
func TestDrainedStoreStaysForgotten(t *testing.T) {
	m := opened(t, &diary{})
	m.deps.Draining = func() bool { return true }
	gone := m.Self()
	gone.Forgotten = true
	if err := m.Mark(gone); err != nil || m.Self() != gone {
		t.Errorf("after draining the store is %+v, %v, want %+v", m.Self(), err, gone)
	}
}

func TestRosterOfAnotherClusterIsRefused(t *testing.T) {
	d := &diary{}
	m := opened(t, d)
	if err := m.FoundCluster(); err != nil {
		t.Fatal(err)
	}
	before := m.Roster()
	other, err := roster.Roster{}.With(someStore("x")).WithCluster(roster.NewClusterID())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.MergeRoster(other); err == nil || !m.Roster().Equal(before) {
		t.Errorf("MergeRoster(another cluster) = %v, roster changed: %t, want a refusal", err, !m.Roster().Equal(before))
	}
}

// A node of no cluster and a member of one take in nothing of each other's rosters before the first has adopted the
// cluster.
func TestRostersOfANodeOfNoClusterAndOfAMemberDoNotMix(t *testing.T) {
	none, member := opened(t, &diary{}), opened(t, &diary{})
	if err := member.AdoptCluster("c1"); err != nil {
		t.Fatal(err)
	}
	var refused *NotAdoptedError
	if err := none.MergeRoster(member.Roster()); !errors.As(err, &refused) || refused.Cluster != "c1" || none.Roster().Len() != 1 {
		t.Errorf("MergeRoster(of a member) at a node of no cluster = %v, %d stores, want an offer of the cluster and 1 store", err, none.Roster().Len())
	}
	if err := member.MergeRoster(none.Roster()); !errors.Is(err, ErrCallerNoMember) || member.Roster().Len() != 1 {
		t.Errorf("MergeRoster(of a node of no cluster) at a member = %v, %d stores, want a refusal and 1 store", err, member.Roster().Len())
	}
	if err := errors.Join(none.AdoptCluster("c1"), none.MergeRoster(member.Roster()), member.MergeRoster(none.Roster())); err != nil {
		t.Fatal(err)
	}
	if !none.Roster().Equal(member.Roster()) || none.Roster().Len() != 2 {
		t.Errorf("after the adoption the rosters have %d and %d stores, want 2", none.Roster().Len(), member.Roster().Len())
	}
	if err := member.MergeRoster(roster.Roster{}); err != nil {
		t.Errorf("MergeRoster(nothing) = %v, want nil", err)
	}
}

func TestIdentityThatCannotBeUsed(t *testing.T) {
	of := &diary{}
	if _, err := Open(Config{Name: "b", Slices: 1}, Deps{Journal: of, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, value, want string }{
		{"of another node", string(of.states[keyIdentity]), `belongs to node "b"`},
		{"no JSON", `x`, "load identity"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &diary{states: map[string][]byte{keyIdentity: []byte(tt.value)}}
			_, err := Open(Config{Name: "a", Slices: 1}, Deps{Journal: d, Log: slog.New(slog.DiscardHandler)})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Open = %v, want %q", err, tt.want)
			}
		})
	}
	broken := errors.New("disk")
	if _, err := Open(Config{Name: "a", Slices: 1}, Deps{Journal: &diary{fail: broken}, Log: slog.New(slog.DiscardHandler)}); !errors.Is(err, broken) {
		t.Errorf("Open on a failing disk = %v, want its error", err)
	}
}

func TestConcurrentChangesAreAllKept(t *testing.T) {
	d := &diary{}
	m := opened(t, d)
	var stores []roster.Store
	for range 20 {
		stores = append(stores, someStore("n"))
	}
	var wg sync.WaitGroup
	for _, s := range stores {
		wg.Go(func() {
			if err := m.Mark(s); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, m := range []*State{m, opened(t, d)} {
		for _, s := range stores {
			if got, ok := m.Roster().Get(s.ID); !ok || got != s {
				t.Errorf("store %s is %+v, %t, want it kept", s.ID, got, ok)
			}
		}
	}
}

// A leaving store without a drain under way goes on under a new ID. It keeps the old ID, over restarts, until one write
// removes the ID and marks it as forgotten on the roster.
func TestALeavingStoreGoesOnUnderANewID(t *testing.T) {
	for _, when := range []string{"while it runs", "before it starts"} {
		t.Run(when, func(t *testing.T) {
			d := &diary{}
			m := opened(t, d)
			old := m.Self()
			old.Established = true
			leaving := old
			leaving.Leaving = true
			if when == "while it runs" {
				if err := errors.Join(m.Mark(old), m.MergeRoster(roster.Roster{}.With(leaving))); err != nil {
					t.Fatal(err)
				}
			} else {
				if err := m.save(old.ID, nil, m.Roster().With(leaving)); err != nil {
					t.Fatal(err)
				}
				m = opened(t, d)
			}
			self := m.Self()
			if self.ID == old.ID || self.Established || self.Leaving {
				t.Errorf("the store goes on as %+v, want a new one that is not established", self)
			}
			for _, m := range []*State{m, opened(t, d)} {
				if was, _ := m.Roster().Get(old.ID); m.Self() != self || !slices.Equal(m.Former(), []roster.StoreID{old.ID}) || was.Forgotten {
					t.Errorf("the store is %+v, was %v, which is %+v; want %+v, %v, not forgotten", m.Self(), m.Former(), was, self, old.ID)
				}
			}
			writes := 0
			d.write = func() { writes++ }
			if former, err := m.ForgetFormer(); err != nil || writes != 1 || !slices.Equal(former, []roster.StoreID{old.ID}) {
				t.Errorf("ForgetFormer = %v, %v in %d writes, want %v in one", former, err, writes, old.ID)
			}
			for _, m := range []*State{m, opened(t, d)} {
				if was, _ := m.Roster().Get(old.ID); m.Self() != self || len(m.Former()) > 0 || !was.Forgotten {
					t.Errorf("the store is %+v, was %v, which is %+v; want %+v, nothing, forgotten", m.Self(), m.Former(), was, self)
				}
			}
		})
	}
}
