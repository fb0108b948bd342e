package outline

import (
	"errors"
	"fmt"

	"flowring/store/digest"
	"flowring/store/table"
	"flowring/store/totals"
)

// ErrDiverged is the error of a slice whose totals are not the fold of its batches (P15).
var ErrDiverged = errors.New("memory is not the fold of the journal")

// Known is what a store says of a slice at one moment.
type Known struct {
	Digest digest.Digest
	View   *table.View     // the flows of a slice in memory; nil: the slice is cold
	Sums   []totals.Totals // of all flows, in memory and on disk
	Sealed bool            // all batches are in the snapshot, so that an Outline counts flows exactly
}

// countRows is the number of rows whose flows a fold counts, because it needs little room.
const countRows = 1 << 18

// Agrees reports whether the outline is of the batches of k and has its totals. It is false for a right slice if only
// its fold can tell: if some totals are saturated, or if batches have to be folded to count their flows. The flows of a
// cold slice with more than countRows rows outside of its snapshot are not counted.
func (o *Outline) Agrees(k Known) bool {
	if k.Digest.Lacks(o.Dots) || o.Dots.Lacks(k.Digest) || k.View != nil && !o.matches(k.View) {
		return false
	}
	want := o.Totals
	for _, t := range k.Sums {
		switch {
		case k.View != nil:
			want.Flows = int64(k.View.Len())
		case !k.Sealed && o.Totals.Flows <= countRows:
			return false
		case !k.Sealed:
			want.Flows = t.Flows
		}
		if t != want {
			return false
		}
	}
	return true
}

// Difference names the first difference between k and the fold of a slice, with its dots and its sums. It is empty if
// there is none.
func (k Known) Difference(fold *table.View, of digest.Digest, sums totals.Totals) string {
	if lost := k.Digest.Minus(of); !lost.Empty() {
		return fmt.Sprintf("batches %s are not in the journal", lost)
	}
	if k.View != nil {
		if difference := k.View.Difference(fold); difference != "" {
			return difference + " in the journal"
		}
	}
	for _, t := range k.Sums {
		if t != sums {
			return fmt.Sprintf("the totals are %+v, want %+v", t, sums)
		}
	}
	return ""
}
