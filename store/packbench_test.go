package store_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/store"
	"flowring/store/digest"
	"flowring/store/journal"
)

// fleet applies batches of 5 records to the slice, 64 at once, as a fleet of agents posts them.
func fleet(b *testing.B, s *store.Store, slice flow.Slice, count int) {
	rng := rand.New(rand.NewPCG(1, 2))
	var all []flow.Written
	for seq := range count {
		one := batch(b, rng, slice, flow.Dot{Origin: 1, Seq: uint64(seq) + 1}, 5)
		one.ID, one.Key = flow.ID{1, byte(seq), byte(seq >> 8), byte(seq >> 16)}, flow.ID{2, byte(seq), byte(seq >> 8), byte(seq >> 16)}
		all = append(all, flow.Written{Batch: one, Bytes: one.Encode()})
		if len(all) == store.ApplyAtOnce || seq == count-1 {
			if err := s.Apply(all...); err != nil {
				b.Fatal(err)
			}
			all = all[:0]
		}
	}
}

func raise(t testing.TB, j *journal.Journal) {
	t.Helper()
	if err := j.RaiseVersion(compat.Newest); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkRefill measures the copy of an hour of small batches to another disk.
func BenchmarkRefill(b *testing.B) {
	const count = 20_000
	slice := flow.Slice{Hour: 42}
	from, j := openStore(b, b.TempDir(), vfs.Default, 0)
	defer j.Close()
	raise(b, j)
	fleet(b, from, slice, count)
	for b.Loop() {
		to, k := openStore(b, b.TempDir(), vfs.Default, 0)
		raise(b, k)
		begun := time.Now()
		in := to.Intake(slice)
		if err := from.Missing(slice, digest.Digest{}, in.Add); err != nil {
			b.Fatal(err)
		}
		in.Close()
		b.ReportMetric(count/time.Since(begun).Seconds(), "batches/s")
		k.Close()
	}
}

// BenchmarkLoad measures the load of an hour of small batches.
func BenchmarkLoad(b *testing.B) {
	const count = 360_000
	slice, dir := flow.Slice{Hour: 42}, b.TempDir()
	s, j := openStore(b, dir, vfs.Default, 0)
	raise(b, j)
	fleet(b, s, slice, count)
	j.Close()
	for b.Loop() {
		s, j := openStore(b, dir, vfs.Default, 0)
		if _, err := s.Read(slice); err != nil {
			b.Fatal(err)
		}
		j.Close()
	}
}
