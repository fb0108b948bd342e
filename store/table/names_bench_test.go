package table

import (
	"fmt"
	"testing"

	"flowring/flow"
)

// BenchmarkNames measures the look-up of known names, as for most batches, in a small and in a large table.
func BenchmarkNames(b *testing.B) {
	for _, count := range []int{1_000, 1_000_000} {
		table := New()
		all := make([]string, count)
		for i := range all {
			all[i] = fmt.Sprintf("application-%d", i)
		}
		table.Group(flow.NewBatchBuilder(all).Batch(noon, count, func(i int) ([3]uint32, flow.Totals) {
			return [3]uint32{uint32(i), uint32(i), uint32(i)}, flow.Totals{}
		}))
		some := make([]string, 500)
		for i := range some {
			some[i] = fmt.Sprintf("application-%d", i*gridStride%count)
		}
		b.Run(fmt.Sprintf("names=%d", count), func(b *testing.B) {
			for b.Loop() {
				if _, missing := table.names.find(some); missing {
					b.Fatal("a name is missing")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(some)), "ns/name")
		})
	}
}
