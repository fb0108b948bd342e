package ring

import (
	"slices"
	"testing"

	"flowring/flow"
)

// The golden placement. If a test in this file fails, nodes of this version place data at other members than nodes of
// the version before. Then either undo the change, or change Algorithm, so that nodes of both versions refuse each
// other.

func TestPlacementIsTheGoldenOne(t *testing.T) {
	r := New(flows(5), 1)
	for _, tt := range []struct {
		slice     flow.Slice
		partition int
		owners    []string
	}{
		{flow.Slice{Hour: 0}, 739, []string{"flow-1", "flow-0", "flow-2", "flow-3", "flow-4"}},
		{flow.Slice{Hour: 5}, 66, []string{"flow-3", "flow-4", "flow-0", "flow-1", "flow-2"}},
		{flow.Slice{Hour: 20}, 355, []string{"flow-4", "flow-1", "flow-3", "flow-0", "flow-2"}},
		{flow.Slice{Hour: -1}, 485, []string{"flow-2", "flow-4", "flow-1", "flow-3", "flow-0"}},
		{flow.Slice{Hour: 480000}, 219, []string{"flow-3", "flow-4", "flow-0", "flow-1", "flow-2"}},
		{flow.Slice{Hour: 480000, Index: 1}, 669, []string{"flow-3", "flow-0", "flow-1", "flow-4", "flow-2"}},
		{flow.Slice{Hour: 480000, Index: 2}, 57, []string{"flow-0", "flow-3", "flow-1", "flow-4", "flow-2"}},
		{flow.Slice{Hour: 1<<63 - 1, Index: 1<<32 - 1}, 202, []string{"flow-1", "flow-3", "flow-0", "flow-4", "flow-2"}},
	} {
		if got := r.Partition(tt.slice); got != tt.partition {
			t.Errorf("Partition(%v) = %d, want %d", tt.slice, got, tt.partition)
		}
		if got := r.Candidates(tt.slice); !slices.Equal(got, tt.owners) {
			t.Errorf("Owners(%v) = %v, want %v", tt.slice, got, tt.owners)
		}
		if got := r.Owner(tt.slice); got != tt.owners[0] {
			t.Errorf("Owner(%v) = %s, want %s", tt.slice, got, tt.owners[0])
		}
	}
}

func TestPlacementOfSlicesIsTheGoldenOne(t *testing.T) {
	r := New(flows(5), 16)
	for _, tt := range []struct {
		slice     flow.Slice
		partition int
		owners    []string
	}{
		{flow.Slice{Hour: 0}, 928, []string{"flow-0", "flow-4", "flow-3", "flow-1", "flow-2"}},
		{flow.Slice{Hour: 20, Index: 1}, 897, []string{"flow-2", "flow-4", "flow-3", "flow-1", "flow-0"}},
		{flow.Slice{Hour: -1, Index: 7}, 423, []string{"flow-2", "flow-4", "flow-1", "flow-3", "flow-0"}},
		{flow.Slice{Hour: 480000}, 288, []string{"flow-4", "flow-1", "flow-2", "flow-3", "flow-0"}},
		{flow.Slice{Hour: 480000, Index: 1}, 289, []string{"flow-1", "flow-3", "flow-0", "flow-4", "flow-2"}},
		{flow.Slice{Hour: 480000, Index: 2}, 290, []string{"flow-2", "flow-1", "flow-4", "flow-3", "flow-0"}},
		{flow.Slice{Hour: 480000, Index: 14}, 302, []string{"flow-0", "flow-3", "flow-4", "flow-1", "flow-2"}},
		{flow.Slice{Hour: 480000, Index: 15}, 303, []string{"flow-4", "flow-0", "flow-2", "flow-3", "flow-1"}},
		{flow.Slice{Hour: 1<<63 - 1, Index: 1<<32 - 1}, 143, []string{"flow-4", "flow-0", "flow-2", "flow-3", "flow-1"}},
	} {
		if got := r.Partition(tt.slice); got != tt.partition {
			t.Errorf("Partition(%v) = %d, want %d", tt.slice, got, tt.partition)
		}
		if got := r.Candidates(tt.slice); !slices.Equal(got, tt.owners) {
			t.Errorf("Owners(%v) = %v, want %v", tt.slice, got, tt.owners)
		}
	}
}

func TestVersionsAreTheGoldenOnes(t *testing.T) {
	for n, want := range map[int]string{
		0: "ecef66fb11ca500e", 1: "860250ee2bf251b3", 3: "b6deea6a7e83f47d", 9: "0f3ac12dd91f3fea", 64: "6142f8d362584ce2",
	} {
		if got := New(flows(n), 1).Version(); got != want {
			t.Errorf("New(%d names, 1).Version() = %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int]string{
		0: "0812a655d951c432", 1: "6ee0b276abe11319", 3: "2991eac11db534aa", 9: "b4deab0aaad9b9ff", 64: "095c222645c215c2",
	} {
		if got := New(flows(n), 16).Version(); got != want {
			t.Errorf("New(%d names, 16).Version() = %s, want %s", n, got, want)
		}
	}
	if one, other := New(flows(1), 16).Version(), New(flows(1), 32).Version(); one == other {
		t.Errorf("New(1 name).Version() = %s with 16 slices and with 32, want another", one)
	}
}

func TestOwnedPartitionsAreTheGoldenOnes(t *testing.T) {
	r := New(flows(9), 1)
	for i, want := range []int{89, 109, 142, 96, 100, 107, 142, 122, 114} {
		if got := r.Owned(flows(9)[i]); got != want {
			t.Errorf("Owned(flow-%d) = %d, want %d", i, got, want)
		}
	}
}

func TestParametersNameAllInputsOfThePlacement(t *testing.T) {
	for hourSlices, want := range map[int]string{
		1:  "consistent-1.1+rendezvous/1 partitions=1021 virtual-nodes=100 load=1.25 slices=1",
		16: "consistent-1.1+rendezvous/1+shares-of-16/1 partitions=1024 virtual-nodes=100 load=1.25 slices=16 by=key/1",
	} {
		if got := Parameters(hourSlices); got != want {
			t.Errorf("Parameters(%d) = %q, want %q", hourSlices, got, want)
		}
	}
}
