package ring

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/buraksezer/consistent"

	"flowring/flow"
)

// flows returns the names flow-0 to flow-(n-1).
func flows(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("flow-%d", i)
	}
	return names
}

// P7: nodes that learned of the same members in different orders have the same placement.
func TestPlacementDoesNotDependOnTheOrderOrRepetitionOfNames(t *testing.T) {
	for n := 1; n <= 64; n++ {
		hourSlices := 1 + n%2*15
		want := New(flows(n), hourSlices)
		shuffled := append(flows(n), flows(n/2)...)
		random := rand.New(rand.NewPCG(1, uint64(n)))
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		before := slices.Clone(shuffled)

		got := New(shuffled, hourSlices)
		if !slices.Equal(got.table, want.table) || got.Version() != want.Version() {
			t.Errorf("New(%v, %d) = version %s, want %s", shuffled, hourSlices, got.Version(), want.Version())
		}
		if !slices.Equal(got.Members(), want.Members()) {
			t.Errorf("New(%v, %d).Members() = %v, want %v", shuffled, hourSlices, got.Members(), want.Members())
		}
		if !slices.Equal(shuffled, before) {
			t.Errorf("New reordered its argument to %v, want %v", shuffled, before)
		}
	}
}

func TestInvariantsHoldAtEverySize(t *testing.T) {
	versions := make(map[string]int)
	for n := 1; n <= 64; n++ {
		r := New(flows(n), 1)
		if err := errors.Join(checkLists(r), checkOwned(r), checkLoad(r)); err != nil {
			t.Errorf("New(%d names): %v", n, err)
		}
		if other, taken := versions[r.Version()]; taken {
			t.Errorf("New(%d names, 1).Version() = %s, that of %d names too", n, r.Version(), other)
		}
		versions[r.Version()] = n
	}
}

// checkLists returns an error unless every list holds every member exactly once.
func checkLists(r *Ring) error {
	for p := range r.Partitions() {
		if list := slices.Sorted(slices.Values(r.list(p))); !slices.Equal(list, r.Members()) {
			return fmt.Errorf("partition %d: list %v, want each of %v once", p, r.list(p), r.Members())
		}
	}
	return nil
}

// checkOwned returns an error unless Owned is the number of lists with the member in first position.
func checkOwned(r *Ring) error {
	counts := make(map[string]int)
	for p := range r.Partitions() {
		counts[r.list(p)[0]]++
	}
	for _, name := range r.Members() {
		if r.Owned(name) != counts[name] {
			return fmt.Errorf("Owned(%s) = %d, want %d", name, r.Owned(name), counts[name])
		}
	}
	return nil
}

// checkLoad returns an error unless every member owns at most Load times the mean, rounded up.
func checkLoad(r *Ring) error {
	most := int(math.Ceil(Load * Partitions / float64(len(r.Members()))))
	for _, name := range r.Members() {
		if r.Owned(name) > most {
			return fmt.Errorf("Owned(%s) = %d, want at most %d", name, r.Owned(name), most)
		}
	}
	return nil
}

// The negative controls: each check above fails for a ring without the property.
func TestInvariantChecksDetectABrokenRing(t *testing.T) {
	broken := New(flows(3), 1)
	broken.table[1] = broken.table[0]
	if checkLists(broken) == nil {
		t.Error("checkLists(a list with a repeated member) = nil, want an error")
	}
	broken = New(flows(3), 1)
	broken.table[0], broken.table[1] = broken.table[1], broken.table[0]
	if checkOwned(broken) == nil {
		t.Error("checkOwned(two members exchanged) = nil, want an error")
	}
	if checkLoad(unbounded(flows(8))) == nil {
		t.Error("checkLoad(no bound on loads) = nil, want an error")
	}
}

// unbounded returns a ring without the bound on loads.
func unbounded(names []string) *Ring {
	r := &Ring{members: names, owned: make(map[string]int)}
	circle := consistent.New(nil, consistent.Config{
		Hasher: hasher{}, PartitionCount: Partitions, ReplicationFactor: VirtualNodes, Load: 100,
	})
	for _, name := range names {
		circle.Add(point(name))
	}
	for p := range Partitions {
		r.owned[circle.GetPartitionOwner(p).String()]++
	}
	return r
}

func TestAnEmptyRingHasNoCandidates(t *testing.T) {
	for _, names := range [][]string{nil, {}} {
		r := New(names, 1)
		s := flow.Slice{Hour: 20}
		if len(r.Candidates(s)) != 0 || r.Owner(s) != "" || len(r.Members()) != 0 || r.Owned("flow-0") != 0 {
			t.Errorf("New(%v, 1) = owners %v, owner %q, want none", names, r.Candidates(s), r.Owner(s))
		}
	}
	if New(nil, 1).Version() == New(flows(1), 1).Version() {
		t.Error("the empty ring has the version of a ring of one, want another")
	}
}

func TestAppendingToCandidatesIsHarmless(t *testing.T) {
	r := New(flows(3), 1)
	want := r.Version()
	for hour := range flow.Hour(100) {
		_ = append(r.Candidates(flow.Slice{Hour: hour}), "stranger")
	}
	if got := r.computeVersion(); got != want {
		t.Errorf("after appending to the lists the placement hashes to %s, want %s", got, want)
	}
}

func TestCandidatesDoesNotAllocate(t *testing.T) {
	for _, hourSlices := range []int{1, 16} {
		r := New(flows(9), hourSlices)
		if n := testing.AllocsPerRun(100, func() { r.Candidates(flow.Slice{Hour: 412345, Index: 3}) }); n != 0 {
			t.Errorf("Owners with %d slices: %v allocations, want 0", hourSlices, n)
		}
	}
}

func TestHoursAndSlicesSpreadEvenlyOverPartitions(t *testing.T) {
	const hours, hourSlices = 24 * 365, 7
	r := New(nil, 1)
	var counts [Partitions]int
	for hour := range flow.Hour(hours) {
		for index := range uint32(hourSlices) {
			counts[r.Partition(flow.Slice{Hour: 480_000 + hour, Index: index})]++
		}
	}
	// A partition gets 60 slices on average. The standard deviation of a random spread is 7.7. A deviation by six times
	// as much occurs in one of 1021 partitions once in 500,000 tables.
	const mean = hours * hourSlices / Partitions
	if least, most := slices.Min(counts[:]), slices.Max(counts[:]); least < mean-47 || most > mean+47 {
		t.Errorf("slices of a partition = %d to %d, want %d to %d", least, most, mean-47, mean+47)
	}
}
