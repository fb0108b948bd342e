package backlog

import (
	"testing"

	"flowring/flow"
	"flowring/store/digest"
)

func dots(seqs ...uint64) (d digest.Digest) {
	for _, seq := range seqs {
		d.Add(flow.Dot{Origin: 1, Seq: seq})
	}
	return d
}

// A batch counts once, however many stores hold it, and until it has arrived.
func TestABatchCountsOnce(t *testing.T) {
	var b Backlog
	one, two := flow.Slice{Hour: 1}, flow.Slice{Hour: 2}
	for _, step := range []struct {
		name string
		do   func()
		want int64
	}{
		{"one store has three batches more", func() { b.Add(one, dots(1, 2, 3, 4), dots(4)) }, 3},
		{"another store has two of them and a fourth", func() { b.Add(one, dots(2, 3, 5), dots(4)) }, 4},
		{"another slice lacks one", func() { b.Add(two, dots(1), digest.Digest{}) }, 5},
		{"two have arrived", func() { b.Remove(one, dots(1, 2, 4)) }, 3},
		{"all of the slice have arrived", func() { b.Remove(one, dots(1, 2, 3, 4, 5)) }, 1},
		{"nothing is missing any more", func() { b.Forget(two) }, 0},
	} {
		step.do()
		if got := b.Batches(); got != step.want {
			t.Errorf("%s: %d batches are missing, want %d", step.name, got, step.want)
		}
	}
	if left := b.Slices(); len(left) != 0 {
		t.Errorf("slices %v are kept, want none", left)
	}
}
