package ring

import (
	"fmt"
	"testing"

	"flowring/flow"
)

func BenchmarkNew(b *testing.B) {
	for _, n := range []int{3, 9, 64} {
		for _, hourSlices := range []int{1, 16, 64} {
			names := flows(n)
			b.Run(fmt.Sprintf("members=%d/slices=%d", n, hourSlices), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					New(names, hourSlices)
				}
			})
		}
	}
}

func BenchmarkOwners(b *testing.B) {
	for _, hourSlices := range []uint32{1, 16} {
		b.Run(fmt.Sprintf("slices=%d", hourSlices), func(b *testing.B) {
			r := New(flows(64), int(hourSlices))
			b.ReportAllocs()
			s := flow.Slice{}
			for b.Loop() {
				r.Owners(s)
				s.Hour, s.Index = s.Hour+1, (s.Index+1)%hourSlices
			}
		})
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
