package room

import (
	"slices"
	"testing"
)

// Two batches of a call have memory of their own. After Reset the next call gets the same memory.
func TestMemoryIsLentUntilReset(t *testing.T) {
	var r Room
	for round := range 3 {
		first, second := r.Indices(100), r.Indices(300)
		for i := range first {
			first[i] = 1
		}
		for i := range second {
			second[i] = 2
		}
		more := append(first, 3)
		if slices.Max(first) != 1 || slices.Min(second) != 2 || len(more) != 101 {
			t.Fatalf("round %d: two batches share memory", round)
		}
		r.Reset()
	}
	if got := testing.AllocsPerRun(10, func() { r.Indices(100); r.Names(100); r.Sums(100); r.Reset() }); got != 0 {
		t.Errorf("a call allocates %v times with memory of the one before, want 0", got)
	}
}

func TestALargeCallLeavesLittleMemory(t *testing.T) {
	var r Room
	r.Indices(1 << 20)
	r.Names(1 << 20)
	r.Sums(1 << 20)
	r.AllDistinct(1<<20, func(i int) uint64 { return uint64(i) }, func(i, k int) bool { return i == k })
	r.Reset()
	if cap(r.indices)*4 > Kept || cap(r.names)*16 > Kept || cap(r.sums)*8 > Kept || cap(r.slots)*4 > Kept {
		t.Errorf("%d indices, %d names, %d sums and %d slots are kept, want at most %d bytes of each",
			cap(r.indices), cap(r.names), cap(r.sums), cap(r.slots), Kept)
	}
}

// A name that a call had must not keep the memory of the call.
func TestNamesAreForgotten(t *testing.T) {
	var r Room
	r.Names(3)[1] = "name"
	r.Reset()
	if names := r.Names(3); names[1] != "" {
		t.Errorf("a name of the call before is kept: %q", names[1])
	}
}

func TestDistinctElements(t *testing.T) {
	var r Room
	for _, room := range []*Room{nil, &r} {
		for _, n := range []int{0, 1, 700, 5, 700} {
			same := func(i, k int) bool { return i == k }
			if !room.AllDistinct(n, func(i int) uint64 { return uint64(i % 3) }, same) {
				t.Errorf("%d elements are not distinct", n)
			}
			twice := func(i, k int) bool { return i/2 == k/2 }
			if got := room.AllDistinct(n, func(i int) uint64 { return uint64(i / 2) }, twice); got != (n < 2) {
				t.Errorf("%d elements, each twice, are distinct: %t", n, got)
			}
		}
	}
}
