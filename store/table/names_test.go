package table

import (
	"fmt"
	"slices"
	"sync"
	"testing"
)

// Batches that come at once bring the same new names. Each name gets one number, by which the list has it.
func TestEachNameHasOneNumber(t *testing.T) {
	const batches, each = 16, 300
	n := newNames()
	got := make([][]uint32, batches)
	batch := func(i int) []string {
		wanted := make([]string, each)
		for j := range wanted {
			wanted[j] = fmt.Sprint("application-", i/4*each/2+j) // four batches have equal names, and four more half of them
		}
		return wanted
	}
	var wg sync.WaitGroup
	for i := range batches {
		wg.Go(func() { got[i] = n.intern(batch(i)) })
	}
	wg.Wait()
	list := n.all()
	if sorted := slices.Sorted(slices.Values(list)); len(slices.Compact(sorted)) != len(list) {
		t.Error("a name has two numbers")
	}
	if want := (batches/4-1)*each/2 + each; len(list) != want || n.count() != want {
		t.Errorf("%d names, count %d, want %d", len(list), n.count(), want)
	}
	bytes := 0
	for i, ids := range got {
		for j, name := range batch(i) {
			if list[ids[j]] != name {
				t.Fatalf("the number of %s is that of %s", name, list[ids[j]])
			}
		}
	}
	for _, name := range list {
		bytes += len(name)
	}
	if n.bytes != bytes {
		t.Errorf("the names have %d bytes, want %d", n.bytes, bytes)
	}
}

func TestNamesAreFoundAndUnknownNamesAreNot(t *testing.T) {
	n := newNames()
	if ids, missing := n.find([]string{"a"}); !missing || !slices.Equal(ids, []uint32{unknown}) {
		t.Errorf("find without names = %v, %t, want it unknown", ids, missing)
	}
	if ids := n.intern([]string{"a", "", "b", "a"}); !slices.Equal(ids, []uint32{0, 1, 2, 0}) {
		t.Errorf("intern = %v, want one number for each name, in order", ids)
	}
	if ids, missing := n.find([]string{"b", "c", "a"}); !missing || !slices.Equal(ids, []uint32{2, unknown, 0}) {
		t.Errorf("find = %v, %t, want 2, unknown and 0", ids, missing)
	}
	if ids, missing := n.find([]string{"", "a"}); missing || !slices.Equal(ids, []uint32{1, 0}) {
		t.Errorf("find of known names = %v, %t, want 1 and 0", ids, missing)
	}
}
