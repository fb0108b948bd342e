package answer

import (
	"bytes"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"flowring/flow"
	"flowring/node/replica"
	"flowring/router/admission"
)

// Slices of several parts are merged by ranks, and the merge holds no CPU slot while it waits for a part.
func TestSlicesOfManyPartsAreMergedByRanks(t *testing.T) {
	const flows = 3*partFlows + sumsRoom/2
	slots, merged := admission.NewCPUSlots(1), mergedAnswer{saturated: new(atomic.Int64)}
	var all []flow.Record
	for i, n := range []int{flows, 1, partFlows, flows / 2} {
		slice := flow.Slice{Hour: 493_000, Index: uint32(i)}
		reading, err := hourOf(t, n).Read(flow.Slice{Hour: slice.Hour})
		if err != nil {
			t.Fatal(err)
		}
		own := &localAnswer{Reading: &replica.Reading{Reading: reading}, slice: slice, slots: slots, columns: true}
		merged.slices = append(merged.slices, own)
		all = append(all, someFlows(0, n)...)
	}
	p, err := flow.AddUp(all)
	if err != nil {
		t.Fatal(err)
	}
	want := recordsOf(p.Batches[0])
	merged.slots = slots
	var got bytes.Buffer
	if _, err := merged.WriteTo(&got); err != nil || len(slots) != 0 {
		t.Fatalf("WriteTo = %v with %d slots taken after it, want nil, 0", err, len(slots))
	}
	if !bytes.Equal(got.Bytes(), document(want)) {
		t.Errorf("%d bytes of merged flows differ from the %d bytes of their sums", got.Len(), len(document(want)))
	}
}

func recordsOf(b *flow.Batch) (records []flow.Record) {
	for i := range b.Len() {
		records = append(records, flow.Record{Key: b.FlowKey(i), Totals: b.Totals(i), Hour: b.Slice.Hour})
	}
	slices.SortFunc(records, func(a, b flow.Record) int { return a.Key.Compare(b.Key) })
	return records
}

// Names that several slices share count once.
func TestNamesAreRankedUpToTheirLimit(t *testing.T) {
	var names []string
	for i := range maxRanked {
		names = append(names, fmt.Sprintf("name-%05d", i))
	}
	slice := func(names ...string) *cursor { return &cursor{whole: true, part: &flow.Batch{Names: names}} }
	if got, ok := ranksOf([]*cursor{slice(names...), {whole: true}, slice(names[7:]...)}); !ok || !slices.Equal(got, names) {
		t.Errorf("ranksOf %d names, twice = %d names, %t, want each once", maxRanked, len(got), ok)
	}
	for reason, further := range map[string]*cursor{"one name too many": slice("further"), "names by part": {}} {
		if _, ok := ranksOf([]*cursor{slice(names...), further}); ok {
			t.Errorf("ranksOf with %s is not refused", reason)
		}
	}
}
