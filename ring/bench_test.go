package ring

import (
	"fmt"
	"testing"

	"flowring/flow"
)

func BenchmarkNew(b *testing.B) {
	for _, n := range []int{3, 9, 64} {
		names := flows(n)
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				New(names)
			}
		})
	}
}

func BenchmarkOwners(b *testing.B) {
	r := New(flows(64))
	b.ReportAllocs()
	hour := flow.Hour(0)
	for b.Loop() {
		r.Owners(flow.Slice{Hour: hour})
		hour++
	}
}

func BenchmarkMerge(b *testing.B) {
	r := rosterOf(64)
	o := r.With(Store{ID: r.stores[40].ID, Forgotten: true})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Merge(o); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRosterHash(b *testing.B) {
	r := rosterOf(64)
	b.ReportAllocs()
	for b.Loop() {
		r.Hash()
	}
}
