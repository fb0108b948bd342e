package store_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/compat"
	"flowring/internal/cputime"
	"flowring/store"
	"flowring/store/aggregate"
	"flowring/store/digest"
	"flowring/store/journal"
)

// dayOfSlices fills a store with hours of the same flows, in an order of their own, between 2,000 applications in 10
// VPCs.
func dayOfSlices(b *testing.B, s *store.Store, hours, flows int) {
	rng := rand.New(rand.NewPCG(1, 2))
	seen, keys := map[flow.Key]bool{}, make([]flow.Key, 0, flows)
	for len(keys) < flows {
		k := flow.Key{
			SrcApp: fmt.Sprintf("application-%d", rng.IntN(2000)), DestApp: fmt.Sprintf("application-%d", rng.IntN(2000)),
			VPCID: fmt.Sprintf("vpc-%d", rng.IntN(10)),
		}
		if !seen[k] {
			seen[k] = true
			keys = append(keys, k)
		}
	}
	for hour := range hours {
		rng.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		for first := 0; first < len(keys); first += 1000 {
			var records []flow.Record
			for _, k := range keys[first:min(first+1000, len(keys))] {
				moved := flow.Totals{BytesTx: rng.Int64N(1 << 20), BytesRx: rng.Int64N(1 << 20)}
				records = append(records, flow.Record{Key: k, Totals: moved, Hour: flow.Hour(hour)})
			}
			p, err := flow.AddUp(records)
			if err != nil {
				b.Fatal(err)
			}
			batch := p.Batches[0]
			batch.Dot = flow.Dot{Origin: 1, Seq: uint64(first) + 1}
			if err := s.Apply(flow.Written{Batch: batch, Bytes: batch.Encode()}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// answer folds all slices of a store and reads the groups.
func answer(b *testing.B, s *store.Store, spec *query.Spec) {
	g := aggregate.New(spec, 0)
	for _, slice := range s.Slices() {
		if folded, err := s.Fold(slice, g, func(digest.Digest) bool { return true }); !folded || err != nil {
			b.Fatalf("Fold = %t, %v", folded, err)
		}
	}
	for range g.Frames(64 << 10) {
	}
}

// BenchmarkFold answers questions about a day of hours of 200,000 flows, warm and sealed on disk.
func BenchmarkFold(b *testing.B) {
	const hours, flows = 24, 200_000
	journal, err := journal.Open("data", journal.Options{FS: vfs.NewMem()})
	if err != nil {
		b.Fatal(err)
	}
	defer journal.Close()
	if err := journal.RaiseVersion(compat.Version(compat.HourTotals)); err != nil {
		b.Fatal(err)
	}
	s := store.New(store.Config{}, store.Deps{Journal: journal})
	dayOfSlices(b, s, hours, flows)
	run := func(name string, s *store.Store, spec *query.Spec) {
		spec.To = hours
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			before := cputime.Spent(b)
			for b.Loop() {
				answer(b, s, spec)
			}
			used := cputime.Spent(b) - before
			b.ReportMetric(float64(used.Microseconds())/1000/float64(b.N), "cpu-ms")
			b.ReportMetric(float64(used.Nanoseconds())/float64(b.N)/hours/flows, "cpu-ns/flow")
		})
	}
	one := query.Filters{Src: query.Filter{Include: []query.Pattern{query.ParsePattern("application-77")}}}
	run("warm/all", s, &query.Spec{Top: 20, Group: query.DefaultFields})
	run("warm/one", s, &query.Spec{Top: 20, Group: query.DefaultFields, Filters: one})
	run("warm/src", s, &query.Spec{Top: 20, Group: query.FieldsOf(query.SrcApp)})
	run("warm/hour", s, &query.Spec{Group: query.FieldsOf(query.Hour)})
	for _, slice := range s.Slices() {
		d, err := s.Digest(slice)
		if err != nil {
			b.Fatal(err)
		}
		if sealed, err := s.Seal(slice, d, 1); !sealed || err != nil {
			b.Fatalf("Seal = %t, %v", sealed, err)
		}
	}
	cold := store.New(store.Config{}, store.Deps{Journal: journal})
	if err := cold.Open(); err != nil {
		b.Fatal(err)
	}
	run("cold/all", cold, &query.Spec{Top: 20, Group: query.DefaultFields})
	run("cold/one", cold, &query.Spec{Top: 20, Group: query.DefaultFields, Filters: one})
	run("cold/hour", cold, &query.Spec{Group: query.FieldsOf(query.Hour)})
}
