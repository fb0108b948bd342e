package roster

import (
	"fmt"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"flowring/flow"
)

type mergeFunc func(a, b Roster) (Roster, error)

// laws returns an error unless merge is idempotent, commutative, associative and monotone for these three rosters. Two
// failures count as the same result, because the order must not decide whether rosters can merge.
func laws(merge mergeFunc, a, b, c Roster) error {
	aa, err := merge(a, a)
	if err != nil || !aa.Equal(a) {
		return fmt.Errorf("not idempotent: %v, %v", aa, err)
	}
	ab, errAB := merge(a, b)
	ba, errBA := merge(b, a)
	if (errAB == nil) != (errBA == nil) || !ab.Equal(ba) {
		return fmt.Errorf("not commutative: %v, %v and %v, %v", ab, errAB, ba, errBA)
	}
	left, errLeft := chain(merge, a, b, c)
	right, errRight := chain(merge, b, c, a)
	if (errLeft == nil) != (errRight == nil) || !left.Equal(right) {
		return fmt.Errorf("not associative: %v, %v and %v, %v", left, errLeft, right, errRight)
	}
	if errLeft != nil {
		return nil
	}
	return monotone(a, left)
}

func chain(merge mergeFunc, a, b, c Roster) (Roster, error) {
	ab, err := merge(a, b)
	if err != nil {
		return Roster{}, err
	}
	return merge(ab, c)
}

// monotone returns an error if a store, a flag, the cluster, the version, a floor or an unknown field of before is missing in after.
func monotone(before, after Roster) error {
	if before.cluster != "" && before.cluster != after.cluster {
		return fmt.Errorf("not monotone: cluster %q became %q", before.cluster, after.cluster)
	}
	if after.Version() < before.Version() {
		return fmt.Errorf("not monotone: version %d became %d", before.Version(), after.Version())
	}
	if b, a := before.Floors(), after.Floors(); a.Closed < b.Closed || a.Expired < b.Expired {
		return fmt.Errorf("not monotone: floors %v became %v", b, a)
	}
	if after.quorum.Changes < before.quorum.Changes {
		return fmt.Errorf("not monotone: %d changes of the quorum became %d", before.quorum.Changes, after.quorum.Changes)
	}
	for h := flow.Hour(489_590); h < 489_620; h++ {
		was, is := before.Marks(), after.Marks()
		at, _ := was.Erased(h)
		if now, _ := is.Erased(h); !after.Floors().Expires(h) && (was.Closes(h) && !is.Closes(h) || now < at) {
			return fmt.Errorf("not monotone: marks %v became %v", was, is)
		}
	}
	if err := keepsFields(before.unknown, after.unknown); err != nil {
		return err
	}
	for _, s := range before.All() {
		now, ok := after.Get(s.ID)
		if !ok || s.Established && !now.Established || s.Forgotten && !now.Forgotten {
			return fmt.Errorf("not monotone: %+v became %+v (present: %t)", s, now, ok)
		}
		if now.Said < s.Said {
			return fmt.Errorf("not monotone: store %s said %d times, then %d times", s.ID, s.Said, now.Said)
		}
		if err := keepsFields(s.unknown, now.unknown); err != nil {
			return err
		}
	}
	return nil
}

// keepsFields returns an error if an unknown field is missing in after, or has a smaller value.
func keepsFields(before, after string) error {
	if before == "" {
		return nil
	}
	now := map[string]jsontext.Value{}
	if after != "" {
		now = fieldsOf(jsontext.Value(after))
	}
	for name, value := range fieldsOf(jsontext.Value(before)) {
		if kept, ok := now[name]; !ok || string(mergeValues(value, kept)) != string(kept) {
			return fmt.Errorf("not monotone: unknown field %q of %s became %s", name, before, after)
		}
	}
	return nil
}

func TestMergeIsIdempotentCommutativeAssociativeAndMonotone(t *testing.T) {
	rosters := anyRoster("", "", "blue", "red")
	rapid.Check(t, func(t *rapid.T) {
		if err := laws(Roster.Merge, rosters.Draw(t, "a"), rosters.Draw(t, "b"), rosters.Draw(t, "c")); err != nil {
			t.Fatal(err)
		}
	})
}

// with returns a variant of Merge with another function for two entries of the same store.
func with(both func(s, o Store) Store) mergeFunc {
	return func(a, b Roster) (Roster, error) {
		merged, err := a.Merge(b)
		if err != nil {
			return merged, err
		}
		out := merged.withStores(merged.All())
		for i, s := range out.stores {
			inA, okA := a.Get(s.ID)
			inB, okB := b.Get(s.ID)
			if okA && okB {
				out.stores[i] = both(inA, inB)
			}
		}
		return out, nil
	}
}

// The negative controls: the laws detect each wrong way of merging.
func TestTheLawsDetectAWeakerMerge(t *testing.T) {
	for name, weaker := range map[string]mergeFunc{
		"the last account wins": with(func(_, o Store) Store { return o }),
		"tombstones can be undone": with(func(s, o Store) Store {
			m := s.merge(o)
			m.Forgotten = s.Forgotten && o.Forgotten
			return m
		}),
		"the first name wins": with(func(s, o Store) Store {
			m := s.merge(o)
			m.Name = s.Name
			return m
		}),
		"unknown fields of the first account win": with(func(s, o Store) Store {
			m := s.merge(o)
			m.unknown = s.unknown
			return m
		}),
		"a store speaks the newest version that it ever spoke, said or not": with(func(s, o Store) Store {
			m := s.merge(o)
			m.Speaks, m.Said = max(s.Speaks, o.Speaks), s.Said
			return m
		}),
		"the first quorum wins": func(a, b Roster) (Roster, error) {
			merged, err := a.Merge(b)
			merged.quorum = a.quorum
			return merged, err
		},
		"the unknown fields of the roster are dropped": func(a, b Roster) (Roster, error) {
			merged, err := a.Merge(b)
			if !a.Equal(b) {
				merged.unknown = ""
			}
			return merged, err
		},
		"the last marks win": func(a, b Roster) (Roster, error) {
			merged, err := a.Merge(b)
			merged.marks = b.marks.merge(nil, merged.floors)
			return merged, err
		},
		"marks below the floor stay": func(a, b Roster) (Roster, error) {
			merged, err := a.Merge(b)
			if !a.Equal(b) {
				merged.marks = a.marks.merge(b.marks, Floors{})
			}
			return merged, err
		},
		"the last floors win": func(a, b Roster) (Roster, error) {
			merged, err := a.Merge(b)
			merged.floors = b.floors
			return merged, err
		},
		"the first cluster wins": func(a, b Roster) (Roster, error) {
			if a.cluster != "" {
				b.cluster = a.cluster
			}
			return a.Merge(b)
		},
	} {
		t.Run(name, func(t *testing.T) {
			if !violated(weaker) {
				t.Error("no violation in 1000 triples of rosters, want one")
			}
		})
	}
}

func violated(merge mergeFunc) bool {
	rosters := anyRoster("", "blue", "red")
	for seed := range 1000 {
		if laws(merge, rosters.Example(3*seed), rosters.Example(3*seed+1), rosters.Example(3*seed+2)) != nil {
			return true
		}
	}
	return false
}

// Of two words of a store the later one counts. Of two words with one number, which a disk that was rolled back can
// say, the older version counts, so that no version is turned on too early.
func TestTheLaterWordOfAStoreCounts(t *testing.T) {
	for _, tt := range []struct{ a, b, want Store }{
		{Store{Speaks: 3, Said: 1}, Store{Speaks: 2, Said: 2}, Store{Speaks: 2, Said: 2}},
		{Store{Speaks: 2, Said: 1}, Store{Speaks: 3, Said: 2}, Store{Speaks: 3, Said: 2}},
		{Store{Speaks: 3, Said: 1}, Store{Speaks: 2, Said: 1}, Store{Speaks: 2, Said: 1}},
		{Store{}, Store{Speaks: 2, Said: 1}, Store{Speaks: 2, Said: 1}},
	} {
		for _, got := range []Store{tt.a.merge(tt.b), tt.b.merge(tt.a)} {
			if got.Speaks != tt.want.Speaks || got.Said != tt.want.Said {
				t.Errorf("version %d, word %d, and version %d, word %d = version %d, word %d, want version %d, word %d",
					tt.a.Speaks, tt.a.Said, tt.b.Speaks, tt.b.Said, got.Speaks, got.Said, tt.want.Speaks, tt.want.Said)
			}
		}
	}
}
