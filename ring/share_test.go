package ring

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"flowring/flow"
)

// fullest returns the largest number of lists of one hour with the same member in the first positions.
func fullest(r *Ring, places int) (most int) {
	for first := 0; first < r.Partitions(); first += r.hourSlices {
		has := make(map[string]int)
		for p := first; p < first+r.hourSlices; p++ {
			for _, name := range r.list(p)[:places] {
				has[name]++
				most = max(most, has[name])
			}
		}
	}
	return most
}

// checkShares returns an error unless the slices of every hour are spread evenly, by owner and with two and three
// copies.
func checkShares(r *Ring) error {
	members := len(r.Members())
	for copies := 1; copies <= min(3, members); copies++ {
		want := ceilDiv(r.hourSlices*copies, members)
		if copies > 1 {
			want += 3 // for lists in which all further members have their share already; in 95 of 100 rings it is at most 1
		}
		if got := fullest(r, copies); got > want {
			return fmt.Errorf("with %d copies a member has %d slices of an hour, want at most %d", copies, got, want)
		}
	}
	return nil
}

// checkTotals returns an error unless all members own about the same number of partitions, over all hours.
func checkTotals(r *Ring, bound float64) error {
	most := int(bound * float64(r.Partitions()) / float64(len(r.Members())))
	for _, name := range r.Members() {
		if r.Owned(name) > most {
			return fmt.Errorf("Owned(%s) = %d, want at most %d", name, r.Owned(name), most)
		}
	}
	return nil
}

func TestTheSlicesOfAnHourAreSpreadEvenly(t *testing.T) {
	for n := 1; n <= 20; n++ {
		for _, hourSlices := range []int{2, 3, 5, 16, 64} {
			r := New(flows(n), hourSlices)
			if err := errors.Join(checkShares(r), checkTotals(r, 1.35)); err != nil {
				t.Errorf("New(%d names, %d): %v", n, hourSlices, err)
			}
		}
	}
	for _, hourSlices := range []int{2, 7, 16, 64, 256, 2000} {
		r := New(flows(64), hourSlices)
		if err := errors.Join(checkLists(r), checkOwned(r), checkShares(r), checkTotals(r, 1.5)); err != nil {
			t.Errorf("New(64 names, %d): %v", hourSlices, err)
		}
	}
}

// The negative control: slices placed independently, like hours.
func TestCheckSharesDetectsIndependentSlices(t *testing.T) {
	alone := New(flows(4), 1)
	sliced := &Ring{hourSlices: 16, members: alone.members}
	for p := range sliced.Partitions() {
		sliced.table = append(sliced.table, alone.list(p%Partitions)...)
	}
	if got := fullest(sliced, 1); got < 8 || checkShares(sliced) == nil {
		t.Errorf("slices placed alone: a member owns %d of 16 and checkShares = %v, want 8 or more and an error", got, checkShares(sliced))
	}
}

// For any lists, no member is first in more of them than its share, and each list keeps its members.
func TestSharesAreEvenForAnyLists(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= 20; n++ {
		for s := 1; s <= 64; s++ {
			lists := make([][]int, s)
			for i := range lists {
				lists[i] = random.Perm(n)
				if s%2 == 0 {
					slices.Sort(lists[i]) // all lists have the same order
				}
			}
			share(lists, n)
			all := slices.Sorted(slices.Values(random.Perm(n)))
			owns := make([]int, n)
			for _, list := range lists {
				owns[list[0]]++
				if got := slices.Sorted(slices.Values(list)); !slices.Equal(got, all) {
					t.Fatalf("share(%d lists of %d) made a list %v, want every member once", s, n, list)
				}
			}
			if most := slices.Max(owns); most > ceilDiv(s, n) {
				t.Errorf("share(%d lists of %d) makes a member first in %d, want at most %d", s, n, most, ceilDiv(s, n))
			}
		}
	}
}

func TestShareDoesNotChangeASingleList(t *testing.T) {
	list := []int{3, 1, 4, 0, 2}
	share([][]int{list}, 5)
	if want := []int{3, 1, 4, 0, 2}; !slices.Equal(list, want) {
		t.Errorf("share(one list) = %v, want %v", list, want)
	}
}

func TestTheSlicesOfAnHourAreAGroup(t *testing.T) {
	r := New(nil, 16)
	if got := r.Partitions(); got != 1024 {
		t.Errorf("Partitions() = %d, want 1024", got)
	}
	counts := make([]int, r.Partitions()/16)
	for hour := range flow.Hour(64_000) {
		first := r.Partition(flow.Slice{Hour: hour})
		counts[first/16]++
		for index := range uint32(16) {
			if got, want := r.Partition(flow.Slice{Hour: hour, Index: index}), first+int(index); got != want || first%16 != 0 {
				t.Fatalf("Partition(%d/%d) = %d, want %d, and the group to start at a multiple of 16", hour, index, got, want)
			}
		}
	}
	// The average is 1000 and the standard deviation of a random spread is 31. Five times as much hardly ever occurs.
	if least, most := slices.Min(counts), slices.Max(counts); least < 845 || most > 1155 {
		t.Errorf("hours of a group = %d to %d, want 845 to 1155", least, most)
	}
	for _, index := range []uint32{16, 1<<32 - 1} { // from a cluster with more slices
		if got := r.Partition(flow.Slice{Hour: 7, Index: index}); got < 0 || got >= 1024 {
			t.Errorf("Partition(7/%d) = %d, want 0 to 1023", index, got)
		}
	}
}

// The price of even shares: a newcomer lowers the shares of all others, so slices move between the others too, although
// moving 1/(N+1) of the slices would be enough. The price is highest when the share falls by half, as that of 64 slices
// does from 2 to 1 when a 64th member joins. When a member leaves, the same number of slices moves back.
func TestMovementOfAnHourWhenAMemberJoins(t *testing.T) {
	for _, tt := range []struct {
		from, hourSlices, copies int
		most                     float64 // of the copies
	}{
		{3, 16, 1, 0.34}, {4, 16, 1, 0.30}, {5, 16, 1, 0.27}, {8, 16, 1, 0.25}, {16, 16, 1, 0.17}, {40, 16, 1, 0.04},
		{3, 16, 2, 0.29}, {4, 16, 2, 0.27}, {5, 16, 2, 0.22}, {8, 16, 2, 0.23}, {16, 16, 2, 0.18}, {40, 16, 2, 0.06},
		{3, 16, 3, 0.26}, {4, 16, 3, 0.24}, {5, 16, 3, 0.22}, {8, 16, 3, 0.22}, {16, 16, 3, 0.20}, {40, 16, 3, 0.06},
		{4, 2, 1, 0.23}, {4, 64, 1, 0.25}, {8, 64, 1, 0.21}, {63, 64, 1, 0.49},
	} {
		before, after := New(flows(tt.from), tt.hourSlices), New(flows(tt.from+1), tt.hourSlices)
		got := float64(growth(before, after, tt.copies).copies) / float64(before.Partitions()*tt.copies)
		if got > tt.most || got < tt.most-0.01 {
			t.Errorf("%d slices, %d to %d members, R=%d: %.3f of the copies move, want %.2f to %.2f",
				tt.hourSlices, tt.from, tt.from+1, tt.copies, got, tt.most-0.01, tt.most)
		}
	}
}

// The slices of an hour of a dead member go to several of the others, like its partitions.
func TestADeadMembersPartOfAnHourIsShared(t *testing.T) {
	for _, tt := range []struct{ members, most int }{{3, 9}, {4, 6}, {5, 5}, {8, 4}} { // most: of 16 slices
		r := New(flows(tt.members), 16)
		var loads []int
		for _, dead := range r.Members() {
			for first := 0; first < r.Partitions(); first += 16 {
				loads = append(loads, fullestWithout(dead, r, first))
			}
		}
		slices.Sort(loads)
		if got := loads[len(loads)/2]; got > tt.most {
			t.Errorf("%d members, one dead: the fullest owns %d of 16 slices in the median hour, want at most %d", tt.members, got, tt.most)
		}
	}
}

// fullestWithout returns the largest number of slices of an hour that a member owns or takes over when one is dead;
// first is the first partition of the hour.
func fullestWithout(dead string, r *Ring, first int) (most int) {
	owns := make(map[string]int)
	for p := first; p < first+r.hourSlices; p++ {
		list := r.list(p)
		owner := list[one(list[0] == dead)]
		owns[owner]++
		most = max(most, owns[owner])
	}
	return most
}
