package load

import "testing"

// BenchmarkAppend measures the cost of making posts.
func BenchmarkAppend(b *testing.B) {
	for _, bm := range []struct {
		name string
		s    Shape
	}{
		{"ten thousand flows", Shape{Records: 1000, Flows: 10_000, VPCs: 10, VPC: "bench", Hours: 1, Newest: 495_000, Seed: 1}},
		{"ten thousand flows with skew", Shape{Records: 1000, Flows: 10_000, Zipf: 1.1, VPCs: 10, VPC: "bench", Hours: 1, Newest: 495_000, Seed: 1}},
		{"ten million flows with skew", Shape{Records: 1000, Flows: 10_000_000, Zipf: 1.1, VPCs: 10, VPC: "bench", Hours: 1, Newest: 495_000, Seed: 1}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			g := NewGenerator(bm.s)
			var body []byte
			n := int64(0)
			for b.Loop() {
				body = g.Append(body[:0], n)
				n++
			}
			b.SetBytes(int64(len(body)))
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*bm.s.Records), "ns/record")
		})
	}
}
