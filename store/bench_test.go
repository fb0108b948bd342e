package store

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"

	"flowring/flow"
)

// world makes batches of flows drawn from a fixed number of distinct ones, between 2,000 applications in 10 VPCs.
type world struct {
	flows []flow.Key
	rng   *rand.Rand
}

func newWorld(flows int) *world {
	w := &world{rng: rand.New(rand.NewPCG(7, uint64(flows)))}
	seen := make(map[[3]int]bool)
	for len(w.flows) < flows {
		k := [3]int{w.rng.IntN(2000), w.rng.IntN(2000), w.rng.IntN(10)}
		if !seen[k] {
			seen[k] = true
			w.flows = append(w.flows, flow.Key{
				SrcApp:  fmt.Sprintf("application-%d", k[0]),
				DestApp: fmt.Sprintf("application-%d", k[1]),
				VPCID:   fmt.Sprintf("vpc-%d", k[2]),
			})
		}
	}
	return w
}

// batch returns a batch of n flows of the world.
func (w *world) batch(t testing.TB, s flow.Slice, d flow.Dot, n int) *flow.Batch {
	records := make([]flow.Record, n)
	for i := range records {
		moved := flow.Totals{BytesTx: w.rng.Int64N(1 << 20), BytesRx: w.rng.Int64N(1 << 20)}
		records[i] = flow.Record{Key: w.flows[w.rng.IntN(len(w.flows))], Totals: moved}
	}
	return batchOf(t, s, d, records...)
}

// fill applies every flow of the world once.
func (w *world) fill(t testing.TB, s *Store, slice flow.Slice) {
	for i := 0; i < len(w.flows); i += 1000 {
		var records []flow.Record
		for _, k := range w.flows[i:min(i+1000, len(w.flows))] {
			records = append(records, flow.Record{Key: k, Totals: flow.Totals{BytesTx: 1, BytesRx: 2}})
		}
		apply(t, s, batchOf(t, slice, dot(1, uint64(i)+1), records...))
	}
}

func BenchmarkApplyInMemory(b *testing.B) {
	for _, flows := range []int{10_000, 200_000} {
		b.Run(fmt.Sprintf("flows=%d", flows), func(b *testing.B) {
			w, s := newWorld(flows), New(Config{}, Deps{})
			w.fill(b, s, noon)
			batches := make([]*flow.Batch, 256)
			for i := range batches {
				batches[i] = w.batch(b, noon, flow.Dot{}, 1000)
			}
			var next atomic.Uint64
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					seq := next.Add(1)
					batch := *batches[seq%256]
					batch.Dot = dot(2, seq)
					if err := s.Apply(flow.Written{Batch: &batch}); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkReadAfterANewFlow measures a read of a slice with one new flow since the last read.
func BenchmarkReadAfterANewFlow(b *testing.B) {
	w, s := newWorld(200_000), New(Config{}, Deps{})
	w.fill(b, s, noon)
	read(b, s, noon)
	seq := uint64(0)
	for b.Loop() {
		seq++
		key := w.flows[0]
		key.VPCID = fmt.Sprintf("vpc-new-%d", seq)
		apply(b, s, batchOf(b, noon, dot(3, seq), flow.Record{Key: key, Totals: flow.Totals{BytesTx: 1}}))
		read(b, s, noon)
	}
}

// The target is 120 bytes of memory for each of a million flows.
func BenchmarkResidentMemory(b *testing.B) {
	const flows = 1_000_000
	w := newWorld(flows)
	for b.Loop() {
		before := heap()
		s := New(Config{}, Deps{})
		w.fill(b, s, noon)
		read(b, s, noon)
		b.ReportMetric(float64(heap()-before)/flows, "B/flow")
		b.ReportMetric(float64(s.Stats().ResidentBytes)/flows, "estimated-B/flow")
		runtime.KeepAlive(s)
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
