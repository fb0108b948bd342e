package scan

import (
	"fmt"
	"slices"
	"testing"
)

// Each batch has the names that it uses, in order of first appearance, and keeps them when the next batch gets its own.
func TestEachBatchHasItsOwnNames(t *testing.T) {
	global := make([]string, 3*mostNames)
	for i := range global {
		global[i] = fmt.Sprint("name-", i)
	}
	local := NewLocalNames(global)
	var got, want [][]string
	for _, flows := range []int{1, 20, mostNames, 1, 300} {
		src, dest, vpc := make([]uint32, flows), make([]uint32, flows), make([]uint32, flows)
		var names []string
		for i := range src {
			src[i], dest[i], vpc[i] = uint32(len(global)-1-i), uint32(i), uint32(i)
			names = append(names, global[src[i]], global[i])
		}
		got, want = append(got, local.Localize(src, dest, vpc)), append(want, names)
		if last := uint32(2*flows - 1); src[flows-1] != last-1 || dest[flows-1] != last || vpc[flows-1] != last {
			t.Errorf("the last of %d flows has the names %d, %d and %d of its batch, want %d, %d and %d",
				flows, src[flows-1], dest[flows-1], vpc[flows-1], last-1, last, last)
		}
	}
	for i := range got {
		if got[i] = append(got[i], "mine"); !slices.Equal(got[i], append(want[i], "mine")) {
			t.Errorf("batch %d has the names %q, want %q", i, got[i], want[i])
		}
	}
}
