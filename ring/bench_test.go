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

func BenchmarkCandidates(b *testing.B) {
	for _, hourSlices := range []uint32{1, 16} {
		b.Run(fmt.Sprintf("slices=%d", hourSlices), func(b *testing.B) {
			r := New(flows(64), int(hourSlices))
			b.ReportAllocs()
			s := flow.Slice{}
			for b.Loop() {
				r.Candidates(s)
				s.Hour, s.Index = s.Hour+1, (s.Index+1)%hourSlices
			}
		})
	}
}
