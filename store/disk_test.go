package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/internal/load"
	"flowring/store"
	"flowring/store/digest"
	"flowring/store/journal"
)

// The tests here run a store on its real journal.

func openStore(t testing.TB, dir string, fs vfs.FS, budget int64) (*store.Store, *journal.Journal) {
	t.Helper()
	j, err := journal.Open(dir, journal.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(store.Config{MemoryBudget: budget}, store.Deps{Journal: j})
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	return s, j
}

// batch returns a batch of n flows out of 50,000 between 500 applications.
func batch(t testing.TB, rng *rand.Rand, s flow.Slice, d flow.Dot, n int) *flow.Batch {
	t.Helper()
	records := make([]flow.Record, n)
	for i := range records {
		k := rng.IntN(50_000)
		key := flow.Key{
			SrcApp:  fmt.Sprintf("application-%d", k%500),
			DestApp: fmt.Sprintf("application-%d", k/100),
			VPCID:   fmt.Sprintf("vpc-%d", k%10),
		}
		moved := flow.Totals{BytesTx: rng.Int64N(1 << 24), BytesRx: rng.Int64N(1 << 24)}
		records[i] = flow.Record{Key: key, Totals: moved, Hour: s.Hour}
	}
	p, err := flow.AddUp(records)
	if err != nil {
		t.Fatal(err)
	}
	b := p.Batches[0]
	b.Slice, b.Dot = s, d
	return b
}

func records(t testing.TB, s *store.Store, slice flow.Slice) []flow.Record {
	t.Helper()
	r, err := s.Read(slice)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(r.Records())
}

// P1, P13, P15: each batch applied before a power loss is in the totals after it, to the byte. Totals on disk are those
// of the batches, whatever of both the power loss leaves.
func TestStoreSurvivesPowerLoss(t *testing.T) {
	const hours = 3
	fs := vfs.NewCrashableMem()
	s, j := openStore(t, "data", fs, 1)
	defer j.Close()
	if err := j.RaiseVersion(compat.Version(compat.HourTotals)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for origin := range uint64(4) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(origin, 3))
			for seq := range uint64(30) {
				b := batch(t, rng, flow.Slice{Hour: flow.Hour(rng.IntN(hours))}, flow.Dot{Origin: origin, Seq: seq + 1}, 20)
				if err := s.Apply(flow.Written{Batch: b, Bytes: b.Encode()}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	after, j2 := openStore(t, "data", fs.CrashClone(vfs.CrashCloneCfg{}), 0)
	defer j2.Close()
	if got, want := after.Slices(), s.Slices(); !slices.Equal(got, want) || len(got) != hours {
		t.Errorf("Slices() = %v after the power loss, want %v", got, want)
	}
	for h := range hours {
		slice := flow.Slice{Hour: flow.Hour(h)}
		got, _, failed := after.Totals(slice) // before the slice is loaded
		want, _, err := s.Totals(slice)
		if got != want || failed != nil || err != nil {
			t.Errorf("hour %d has the totals %+v (%v) after the power loss, want %+v (%v)", h, got, failed, want, err)
		}
		if got, want := records(t, after, slice), records(t, s, slice); !slices.Equal(got, want) {
			t.Errorf("hour %d has %d flows after the power loss, not the same %d as before", h, len(got), len(want))
		}
		if err := errors.Join(s.Verify(slice), after.Verify(slice)); err != nil {
			t.Error(err)
		}
	}
}

// A store with a day in its journal opens in at most a tenth of the processor time that writing the day took. The
// test measures processor time, because a busy machine does not change it.
func TestStartAfterACrashIsFast(t *testing.T) {
	const share = 10
	hours, flows := 24, 50_000
	if testing.Short() {
		hours, flows = 6, 5_000
	}
	fs := vfs.NewCrashableMem()
	s, j := openStore(t, "data", fs, 1<<20)
	defer j.Close()
	rng := rand.New(rand.NewPCG(4, 4))
	start := load.CPU()
	for h := range hours {
		for seq := range uint64(flows / 1000) {
			b := batch(t, rng, flow.Slice{Hour: flow.Hour(h)}, flow.Dot{Origin: 1, Seq: seq + 1}, 1000)
			if err := s.Apply(flow.Written{Batch: b, Bytes: b.Encode()}); err != nil {
				t.Fatal(err)
			}
		}
	}
	written := load.CPU() - start
	crashed := fs.CrashClone(vfs.CrashCloneCfg{})
	start = load.CPU()
	after, j2 := openStore(t, "data", crashed, 0)
	took := load.CPU() - start
	defer j2.Close()
	t.Logf("open with %d hours and %d flows, written in %v, after a crash: %v", hours, hours*flows, written, took)
	if most := 50*time.Millisecond + written/share; took > most {
		t.Errorf("open took %v, want at most %v", took, most)
	}
	if got := len(after.Slices()); got != hours {
		t.Errorf("Slices() has %d slices, want %d", got, hours)
	}
	start = load.CPU()
	n := len(records(t, after, flow.Slice{Hour: 0}))
	t.Logf("first read of a cold hour of %d flows: %v", n, load.CPU()-start)
}

func BenchmarkApplyOnDisk(b *testing.B) {
	for _, flows := range []int{1, 1000} {
		for _, writers := range []int{1, 64} {
			b.Run(fmt.Sprintf("flows=%d/writers=%d", flows, writers), func(b *testing.B) {
				dir := b.TempDir()
				s, j := openStore(b, dir, nil, 0)
				defer j.Close()
				rng := rand.New(rand.NewPCG(5, 5))
				batches := make([]*flow.Batch, 64)
				for i := range batches {
					batches[i] = batch(b, rng, flow.Slice{Hour: 1}, flow.Dot{}, flows)
				}
				var next atomic.Uint64
				b.SetParallelism((writers + 1) / 2)
				b.ReportAllocs()
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						seq := next.Add(1)
						batch := *batches[seq%64]
						batch.Dot = flow.Dot{Origin: 1, Seq: seq}
						if err := s.Apply(flow.Written{Batch: &batch, Bytes: batch.Encode()}); err != nil {
							b.Fatal(err)
						}
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "batches/s")
			})
		}
	}
}

// BenchmarkSealedHour compares an hour of single batches with the same hour sealed: its size on disk, and a read that
// loads it.
func BenchmarkSealedHour(b *testing.B) {
	const batches = 10_000
	dir := b.TempDir()
	s, j := openStore(b, dir, nil, 0)
	defer j.Close()
	hour, rng := flow.Slice{Hour: 1}, rand.New(rand.NewPCG(1, 1))
	for i := range batches {
		p := flow.Posting{Batches: []*flow.Batch{batch(b, rng, hour, flow.Dot{Origin: 1, Seq: uint64(i) + 1}, 100)}}
		p.Identify("", fmt.Sprint(i))
		if err := s.Apply(flow.Written{Batch: p.Batches[0], Bytes: p.Batches[0].Encode()}); err != nil {
			b.Fatal(err)
		}
	}
	for _, name := range []string{"batches", "sealed"} {
		if name == "sealed" {
			d, err := s.Digest(hour)
			if err != nil {
				b.Fatal(err)
			}
			begun := time.Now()
			if sealed, err := s.Seal(hour, d, 1); !sealed || err != nil {
				b.Fatalf("Seal = %t, %v, want true", sealed, err)
			}
			b.Logf("sealed in %v", time.Since(begun).Round(time.Millisecond))
		}
		size, frames := 0, 0
		if err := s.Missing(hour, digest.Digest{}, func(frame []byte) error { size += len(frame); frames++; return nil }); err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				cold := store.New(store.Config{}, store.Deps{Journal: j})
				if err := cold.Open(); err != nil {
					b.Fatal(err)
				}
				records(b, cold, hour)
			}
			b.ReportMetric(float64(size)/1e6, "MB")
			b.ReportMetric(float64(frames), "frames")
		})
	}
}
