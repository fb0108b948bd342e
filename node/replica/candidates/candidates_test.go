package candidates

import (
	"fmt"
	"slices"
	"testing"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/ring"
	"flowring/ring/roster"
)

// cluster is a cluster as node a knows it: each node's address is its name.
type cluster struct {
	roster  roster.Roster
	self    roster.Store
	unheard map[string]bool // addresses
	lost    map[string]bool // names of nodes without an address
}

func newCluster(names ...string) *cluster {
	c := &cluster{unheard: map[string]bool{}, lost: map[string]bool{}}
	for _, name := range names {
		c.add(name)
	}
	c.self, _ = c.roster.ByName(names[0])
	return c
}

func (c *cluster) add(name string) roster.Store {
	s := roster.Store{ID: roster.NewStoreID(), Name: name, Established: true}
	c.roster = c.roster.With(s)
	return s
}

func (c *cluster) Self() roster.Store      { return c.self }
func (c *cluster) Roster() roster.Roster   { return c.roster }
func (c *cluster) Version() compat.Version { return compat.Newest }

func (c *cluster) Ring() *ring.Ring { return ring.New(c.roster.Members(), 1) }

func (c *cluster) Addr(id roster.StoreID) string {
	s, _ := c.roster.Get(id)
	if c.lost[s.Name] {
		return ""
	}
	return s.Name + string(id)
}

func (c *cluster) finder() *Finder {
	return &Finder{c, func(addr string) bool { return !c.unheard[addr] }}
}

// sliceOf returns a slice with that list of members.
func (c *cluster) sliceOf(t *testing.T, list ...string) flow.Slice {
	t.Helper()
	on := c.Ring()
	for hour := range flow.Hour(20000) {
		if s := (flow.Slice{Hour: hour}); slices.Equal(on.Candidates(s), list) {
			return s
		}
	}
	t.Fatalf("no slice is placed on %v", list)
	return flow.Slice{}
}

// all removes all candidates.
func all(l List) (list []Candidate) {
	for c, ok := l.Next(); ok; c, ok = l.Next() {
		list = append(list, c)
	}
	return list
}

func names(list []Candidate) (names []string) {
	for _, c := range list {
		names = append(names, c.Name)
	}
	return names
}

// A node with two stores, of which the old one is not forgotten yet, is tried at the one that is reachable (P9).
func TestANodeWithTwoStoresIsTriedAtTheReachableOne(t *testing.T) {
	for range 20 { // the roster orders the two by their random IDs
		c := newCluster("a", "b")
		old, _ := c.roster.ByName("b")
		replaced := c.add("b")
		c.unheard[c.Addr(old.ID)] = true
		list := all(c.finder().Lookup().Of(c.sliceOf(t, "b", "a")))
		if len(list) != 2 || list[0].ID != replaced.ID {
			t.Fatalf("candidates = %v, want b's new store %s first", list, replaced.ID)
		}
	}
}

func TestUnheardCandidatesComeLast(t *testing.T) {
	c := newCluster("a", "b", "c", "d", "e")
	s := c.sliceOf(t, "b", "c", "a", "e", "d")
	b, _ := c.roster.ByName("b")
	c.unheard[c.Addr(b.ID)] = true
	c.lost["e"] = true
	if got := names(all(c.finder().Lookup().Of(s))); fmt.Sprint(got) != "[c a d b]" {
		t.Errorf("candidates = %v, want c, a and d, then b, and not e, which has no address", got)
	}
}

// A store that is still to be handed out is not without an ack, and a store without an address is.
func TestStoresWithoutAnAck(t *testing.T) {
	c := newCluster("a", "b", "c", "d", "e")
	b, _ := c.roster.ByName("b")
	c.unheard[c.Addr(b.ID)] = true
	c.lost["e"] = true
	list := c.finder().Lookup().Of(c.sliceOf(t, "b", "c", "e", "a", "d"))
	var acked []roster.Store
	for _, want := range []string{"[]", "[e]", "[e]", "[b e]"} {
		next, _ := list.Next()
		if next.Name != "b" {
			acked = append(acked, next.Store)
		}
		var got []string
		for _, s := range list.Unacked(acked) {
			got = append(got, s.Name)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("Unacked after %s = %v, want %s", next.Name, got, want)
		}
	}
}

// Only the first candidate can be taken as that of this node.
func TestNextIfSelf(t *testing.T) {
	c := newCluster("a", "b", "c")
	for _, tt := range []struct {
		list []string
		want bool
		rest string
	}{
		{[]string{"a", "b", "c"}, true, "[b c]"},
		{[]string{"b", "a", "c"}, false, "[b a c]"},
	} {
		list := c.finder().Lookup().Of(c.sliceOf(t, tt.list...))
		got, ok := list.NextIfSelf()
		if ok != tt.want || ok && (!got.Self || got.ID != c.self.ID) {
			t.Errorf("list %v: NextIfSelf = %v, %t, want %t", tt.list, got, ok, tt.want)
		}
		if rest := fmt.Sprint(names(all(list))); rest != tt.rest {
			t.Errorf("list %v: then %s, want %s", tt.list, rest, tt.rest)
		}
	}
}
