package content

import (
	"flowring/store/digest"
	"flowring/store/table"
	"flowring/store/totals"
)

// Reading is a slice at one moment, with whole batches only (P11). It does not change, and many goroutines may use it.
type Reading struct {
	table.View
	digest digest.Digest
}

// Digest returns the dots of the batches in the reading. The caller must not add to it.
func (r *Reading) Digest() digest.Digest { return r.digest }

// Totals returns the sums of all flows.
func (r *Reading) Totals() (t totals.Totals) {
	for _, flows := range r.Columns() {
		t.Add(flows)
	}
	return t
}
