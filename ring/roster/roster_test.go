package roster

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"flowring/flow"
	"flowring/internal/compat"
)

func id(n int) StoreID { return StoreID(fmt.Sprintf("%032x", n)) }

// names returns n names of nodes.
func names(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("flow-%d", i)
	}
	return all
}

// rosterOf returns n established stores on flow-0 to flow-(n-1).
func rosterOf(n int) (r Roster) {
	for i, name := range names(n) {
		r = r.With(Store{ID: id(i), Name: name, Established: true})
	}
	return r
}

// anyStore draws one of a few stores, so that rosters overlap. Sometimes two draws of one store have different names.
func anyStore() *rapid.Generator[Store] {
	return rapid.Custom(func(t *rapid.T) Store {
		return Store{
			ID:          id(rapid.IntRange(0, 7).Draw(t, "id")),
			Name:        rapid.SampledFrom([]string{"flow-0", "flow-1", "flow-2"}).Draw(t, "name"),
			Established: rapid.Bool().Draw(t, "established"),
			Forgotten:   rapid.Bool().Draw(t, "forgotten"),
			Speaks:      compat.Version(rapid.IntRange(0, 3).Draw(t, "speaks")),
			Said:        rapid.Uint64Range(0, 2).Draw(t, "said"),
			unknown:     anyUnknown().Draw(t, "unknown"),
		}
	})
}

// anyUnknown draws fields of a later program, few of them, so that rosters share them and disagree about them.
func anyUnknown() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		fields := rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "é"}), anyValue(2), 0, 2).Draw(t, "fields")
		data, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		text, err := canonical(data)
		if err != nil {
			t.Fatal(err)
		}
		return text
	})
}

func anyValue(depth int) *rapid.Generator[any] {
	scalars := rapid.SampledFrom([]any{nil, false, true, -1, 7, 10, 0.5, "", "x", "y"})
	if depth == 0 {
		return scalars
	}
	inner := anyValue(depth - 1)
	return rapid.OneOf(scalars,
		rapid.Map(rapid.SliceOfN(inner, 0, 2), func(a []any) any { return a }),
		rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), inner, 0, 2), func(m map[string]any) any { return m }))
}

// anySpan draws a mark of some hours around the floors.
func anySpan() *rapid.Generator[Span] {
	return rapid.Custom(func(t *rapid.T) Span {
		from := flow.Hour(489_598 + rapid.IntRange(0, 6).Draw(t, "from"))
		return Span{from, from + flow.Hour(rapid.IntRange(1, 4).Draw(t, "hours")), int64(rapid.IntRange(0, 2).Draw(t, "erased"))}
	})
}

// anyFloors draws floors, often none.
func anyFloors() *rapid.Generator[Floors] {
	return rapid.Custom(func(t *rapid.T) Floors {
		expired := flow.Hour(rapid.SampledFrom([]int{0, 0, 489_600, 489_601}).Draw(t, "expired"))
		return Floors{Closed: expired + flow.Hour(rapid.SampledFrom([]int{0, 0, 1, 24}).Draw(t, "closed")), Expired: expired}
	})
}

// anyRoster draws a roster of one of the clusters.
func anyRoster(clusters ...string) *rapid.Generator[Roster] {
	return rapid.Custom(func(t *rapid.T) Roster {
		r := Roster{cluster: rapid.SampledFrom(clusters).Draw(t, "cluster"), unknown: anyUnknown().Draw(t, "unknown")}
		r = r.WithVersion(compat.Version(rapid.IntRange(1, 3).Draw(t, "version")))
		if changes := rapid.Uint64Range(0, 2).Draw(t, "changes"); changes > 0 {
			r.quorum = Quorum{changes, rapid.IntRange(1, 3).Draw(t, "quorum")}
		}
		r = r.WithFloors(anyFloors().Draw(t, "floors"))
		for _, s := range rapid.SliceOfN(anySpan(), 0, 3).Draw(t, "marks") {
			var err error
			if r, err = r.WithMarks(Marks{s}); err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range rapid.SliceOfN(anyStore(), 0, 6).Draw(t, "stores") {
			r = r.With(s)
		}
		return r
	})
}

// A message names a store by its node, and also by its ID if the disk of the node was replaced.
func TestALabelNamesOneStore(t *testing.T) {
	old, now := Store{ID: "aaaaaaaabbbb", Name: "n2"}, Store{ID: "ccccccccdddd", Name: "n2"}
	other := Store{ID: "eeeeeeeeffff", Name: "n1"}
	r := Roster{}.With(old).With(now).With(other)
	gone := old
	gone.Forgotten = true
	for _, tt := range []struct {
		name   string
		roster Roster
		store  Store
		want   string
	}{
		{"the only store of a node", r, other, "n1"},
		{"the lost one of two", r, old, "n2 (store aaaaaaaa)"},
		{"the new one of two", r, now, "n2 (store cccccccc)"},
		{"the new one once the other is forgotten", r.With(gone), now, "n2"},
	} {
		if got := tt.roster.Label(tt.store); got != tt.want {
			t.Errorf("%s: Label = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestUnforgottenStoresAreListedAndForgottenOnesKept(t *testing.T) {
	joining := Store{ID: id(1), Name: "flow-1"}
	counting := Store{ID: id(2), Name: "flow-2", Established: true}
	dead := Store{ID: id(3), Name: "flow-2", Established: true, Forgotten: true}
	r := Roster{}.With(dead).With(joining).With(counting)

	for _, tt := range []struct {
		name      string
		got, want []Store
	}{
		{"All", r.All(), []Store{joining, counting, dead}},
		{"Stores", r.Stores(), []Store{joining, counting}},
		{"Established", r.Established(), []Store{counting}},
	} {
		if !slices.Equal(tt.got, tt.want) {
			t.Errorf("%s() = %v, want %v", tt.name, tt.got, tt.want)
		}
	}
	if got := r.CountEstablished(); got != 1 {
		t.Errorf("CountEstablished() = %d, want 1", got)
	}
	if got := r.Forgotten(); !slices.Equal(got, []StoreID{dead.ID}) {
		t.Errorf("Forgotten() = %v, want [%s]", got, dead.ID)
	}
	if got, ok := r.Get(dead.ID); !ok || got != dead {
		t.Errorf("Get(forgotten) = %v, %t, want %v, true", got, ok, dead)
	}
	if got, ok := r.Get(id(4)); ok {
		t.Errorf("Get(unknown) = %v, true, want false", got)
	}
}

func TestMembersAreTheNodesWithACountingStore(t *testing.T) {
	r := Roster{}.
		With(Store{ID: id(1), Name: "flow-1", Established: true}).
		With(Store{ID: id(2), Name: "flow-0", Established: true}).
		With(Store{ID: id(3), Name: "flow-1", Established: true}).
		With(Store{ID: id(4), Name: "joining"}).
		With(Store{ID: id(5), Name: "leaving", Established: true, Leaving: true}).
		With(Store{ID: id(6), Name: "forgotten", Established: true, Forgotten: true})
	if got, want := r.Members(), names(2); !slices.Equal(got, want) {
		t.Errorf("Members() = %v, want %v", got, want)
	}
}

func TestByNameReturnsTheSmallestCountingStore(t *testing.T) {
	r := Roster{}.
		With(Store{ID: id(1), Name: "flow-0", Established: true, Forgotten: true}).
		With(Store{ID: id(2), Name: "flow-0"}).
		With(Store{ID: id(3), Name: "flow-0", Established: true}).
		With(Store{ID: id(4), Name: "flow-0", Established: true})
	if got, ok := r.ByName("flow-0"); !ok || got.ID != id(3) {
		t.Errorf("ByName(flow-0) = %v, %t, want store %s", got, ok, id(3))
	}
	if got, ok := r.ByName("flow-1"); ok {
		t.Errorf("ByName(flow-1) = %v, true, want false", got)
	}
}

func TestATombstoneOutlivesTheStore(t *testing.T) {
	alive := Store{ID: id(1), Name: "flow-1", Established: true}
	r := Roster{}.With(alive).With(Store{ID: id(1), Forgotten: true}).With(alive).With(Store{ID: id(1), Name: "flow-1"})
	want := Store{ID: id(1), Name: "flow-1", Established: true, Forgotten: true}
	if got, _ := r.Get(id(1)); got != want {
		t.Errorf("Get(a forgotten store that came back) = %+v, want %+v", got, want)
	}
}

func TestRostersOfDifferentClustersDoNotMerge(t *testing.T) {
	blue, red := Roster{cluster: "blue"}, Roster{cluster: "red"}
	_, err := blue.Merge(red)
	if err == nil || !strings.Contains(err.Error(), `"blue"`) || !strings.Contains(err.Error(), `"red"`) {
		t.Errorf("Merge(blue, red) = %v, want an error that names both", err)
	}
	if _, err := blue.WithCluster("red"); err == nil {
		t.Error("WithCluster(red) of blue = nil, want an error")
	}
	got, err := rosterOf(2).WithCluster("blue")
	if err != nil || got.Cluster() != "blue" || len(got.All()) != 2 {
		t.Errorf("WithCluster(blue) of an unknown cluster = %v, %v, want blue with its stores", got, err)
	}
}

func TestRostersThatAreTooLargeTogetherDoNotMerge(t *testing.T) {
	full := rosterOf(MaxStores)
	if _, err := full.Merge(Roster{}.With(Store{ID: id(0), Forgotten: true})); err != nil {
		t.Errorf("Merge(full, tombstone) = %v, want nil", err)
	}
	if _, err := full.Merge(Roster{}.With(Store{ID: id(MaxStores), Name: "one-more"})); err == nil {
		t.Error("Merge(full, one more) = nil, want an error")
	}
}

func TestRostersAreImmutable(t *testing.T) {
	r := rosterOf(3)
	before := r.Hash()
	r.With(Store{ID: id(1), Forgotten: true})
	if _, err := r.Merge(Roster{cluster: "blue"}.With(Store{ID: id(7), Name: "flow-7"})); err != nil {
		t.Fatal(err)
	}
	r.All()[0].Forgotten = true
	r.Stores()[0].Forgotten = true
	r.Established()[0].Forgotten = true
	if got := r.Hash(); got != before {
		t.Errorf("Hash() = %s after deriving other rosters, want %s", got, before)
	}
}

func TestHashesAreEqualExactlyIfTheRostersAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyRoster("", "blue").Draw(t, "a"), anyRoster("", "blue").Draw(t, "b")
		if (a.Hash() == b.Hash()) != a.Equal(b) {
			t.Fatalf("hashes equal: %t, rosters equal: %t", a.Hash() == b.Hash(), a.Equal(b))
		}
	})
	base := Roster{}.With(Store{ID: id(1), Name: "flow-1"})
	variants := map[string]Roster{
		"":            base,
		"cluster":     {cluster: "blue", stores: base.stores},
		"ID":          Roster{}.With(Store{ID: id(2), Name: "flow-1"}),
		"name":        Roster{}.With(Store{ID: id(1), Name: "flow-2"}),
		"established": base.With(Store{ID: id(1), Established: true}),
		"leaving":     base.With(Store{ID: id(1), Leaving: true}),
		"forgotten":   base.With(Store{ID: id(1), Forgotten: true}),
		"stores":      base.With(Store{ID: id(2), Name: "flow-2"}),
	}
	for _, n := range []string{"2", "3"} { // two values each, because the first one adds the list of later facts
		number := compat.Version(n[0] - '0')
		variants["version "+n] = base.WithVersion(number)
		variants["spoken version "+n] = base.With(Store{ID: id(1), Speaks: number, Said: 1})
		variants["word "+n] = base.With(Store{ID: id(1), Said: uint64(number)})
		variants["unknown field "+n] = Roster{stores: base.stores, unknown: `{"later":` + n + `}`}
		variants["C "+n] = base.WithFloors(Floors{Closed: flow.Hour(number)})
		variants["F "+n] = base.WithFloors(Floors{Closed: 9, Expired: flow.Hour(number)})
		variants["mark "+n], _ = base.WithMarks(Marks{{1, 2, int64(number)}})
		variants["end of a mark "+n], _ = base.WithMarks(Marks{{1, flow.Hour(number) + 1, 9}})
		variants["begin of a mark "+n], _ = base.WithMarks(Marks{{flow.Hour(number), 9, 9}})
		variants["changes of the quorum "+n] = Roster{stores: base.stores, quorum: Quorum{uint64(number), 9}}
		variants["quorum "+n] = Roster{stores: base.stores, quorum: Quorum{9, int(number)}}
		variants["unknown field of a store "+n] = base.With(Store{ID: id(1), unknown: `{"later":` + n + `}`})
	}
	for name, one := range variants {
		for other, two := range variants {
			if same := name == other; (one.Hash() == two.Hash()) != same || one.Equal(two) != same {
				t.Errorf("a roster with another %q and one with another %q: equal %t, hashes equal %t, want %t",
					name, other, one.Equal(two), one.Hash() == two.Hash(), same)
			}
		}
	}
}
