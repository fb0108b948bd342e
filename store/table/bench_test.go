package table

import (
	"fmt"
	"testing"

	"flowring/flow"
)

// BenchmarkView measures the steps of a read. The cost for each flow should not grow with the number of flows.
func BenchmarkView(b *testing.B) {
	for _, flows := range []int{100_000, 1_000_000, 10_000_000} {
		table := New()
		grid(table, flows)
		each := func(name string, fn func()) {
			b.Run(fmt.Sprintf("flows=%d/%s", flows, name), func(b *testing.B) {
				for b.Loop() {
					fn()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(flows), "ns/flow")
			})
		}
		v := viewOf(table)
		each("copy", func() { viewOf(table) })
		each("sort", func() { v.sort() })
		v.Sort()
		each("walk", func() {
			for range v.Records() {
			}
		})
		each("JSON", func() {
			var buf []byte
			var appender flow.Appender
			for record := range v.Records() {
				if buf = appender.Append(buf, record); len(buf) > 256<<10 {
					buf = buf[:0]
				}
			}
		})
	}
}
