package journal

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"pgregory.net/rapid"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/store/digest"
	"flowring/store/journal/entry"
	"flowring/store/journal/faultfs"
	"flowring/store/pack"
)

// openPacks opens a journal that writes packs.
func openPacks(t testing.TB, fs vfs.FS) *Journal {
	t.Helper()
	j := open(t, fs)
	if err := j.RaiseVersion(compat.Version(compat.Packs)); err != nil {
		t.Fatal(err)
	}
	return j
}

// tiny returns a batch of one flow, whose bytes tell the batch.
func tiny(s flow.Slice, d flow.Dot) flow.Written {
	b := &flow.Batch{
		Slice: s, Dot: d, ID: flow.ID{1, byte(d.Origin), byte(d.Seq)}, Names: []string{"a", "b", "v"},
		Src: []uint32{0}, Dest: []uint32{1}, VPC: []uint32{2}, Tx: []int64{int64(d.Seq)}, Rx: []int64{1},
	}
	return flow.Written{Batch: b, Bytes: b.Encode()}
}

// tinies returns the batches of an origin with these seqs.
func tinies(s flow.Slice, origin uint64, seqs ...uint64) (all []flow.Written) {
	for _, seq := range seqs {
		all = append(all, tiny(s, flow.Dot{Origin: origin, Seq: seq}))
	}
	return all
}

func mustAppend(t testing.TB, j *Journal, batches ...flow.Written) {
	t.Helper()
	if err := j.Append(batches...); err != nil {
		t.Fatal(err)
	}
}

// loadDots returns the dots of all batches that Load and Get give, which must be the ones of tiny.
func loadDots(t testing.TB, j *Journal, s flow.Slice) (dots []flow.Dot) {
	t.Helper()
	check := func(value []byte) (found []flow.Dot) {
		batches, err := pack.Written(value)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range batches {
			if string(w.Bytes) != string(tiny(s, w.Dot).Bytes) {
				t.Errorf("batch %s of slice %s is another one", w.Dot, s)
			}
			found = append(found, w.Dot)
		}
		return found
	}
	err := j.Load(s, func(value []byte) error { dots = append(dots, check(value)...); return nil })
	if err != nil {
		t.Fatal(err)
	}
	all := digest.Of(dots...)
	if uint64(len(dots)) != all.Count() {
		t.Errorf("Load gives %d batches, and %d different ones", len(dots), all.Count())
	}
	dots = slices.Collect(all.Dots())
	for _, d := range dots {
		if value, err := j.Get(s, d); err != nil || !slices.Contains(check(value), d) {
			t.Errorf("Get(%s) = %v without the batch", d, err)
		}
	}
	return dots
}

// countKeys returns the number of keys of a kind.
func countKeys(t testing.TB, j *Journal, kind byte) (n int) {
	t.Helper()
	err := j.iterate([]byte{kind}, func(it *pebble.Iterator) error {
		for it.First(); it.Valid(); it.Next() {
			n++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A run of small batches is one value once the cluster has packs, and single batches stay as they are.
func TestARunIsOneValue(t *testing.T) {
	for _, test := range []struct {
		version        compat.Version
		packs, batches int
	}{{compat.Version(compat.Packs) - 1, 0, 5}, {compat.Version(compat.Packs), 1, 2}} {
		j := open(t, vfs.NewMem())
		if err := j.RaiseVersion(test.version); err != nil {
			t.Fatal(err)
		}
		mustAppend(t, j, append(tinies(hour, 1, 1, 2, 4), tinies(hour, 2, 1, 1000)...)...)
		if packs, batches := countKeys(t, j, entry.Pack), countKeys(t, j, entry.Batch); packs != test.packs || batches != test.batches ||
			j.Packs() != (test.packs > 0) {
			t.Errorf("version %d: %d packs and %d batches, want %d and %d", test.version, packs, batches, test.packs, test.batches)
		}
		want := []flow.Dot{{Origin: 1, Seq: 1}, {Origin: 1, Seq: 2}, {Origin: 1, Seq: 4}, {Origin: 2, Seq: 1}, {Origin: 2, Seq: 1000}}
		if got := loadDots(t, j, hour); !slices.Equal(got, want) {
			t.Errorf("version %d: Load gives %v, want %v", test.version, got, want)
		}
		if _, err := j.Get(hour, flow.Dot{Origin: 1, Seq: 3}); !errors.Is(err, ErrNotFound) {
			t.Errorf("version %d: Get of a hole of the run = %v, want %v", test.version, err, ErrNotFound)
		}
	}
}

// Whatever appends, snapshots, drops and restarts come: the journal has the batches that a plain set has, each once
// (P2).
func TestPacksAreLikeBatches(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fs := vfs.NewMem()
		j, err := Open("data", Options{FS: fs})
		defer func() { _ = j.Close() }()
		if err == nil && rapid.Bool().Draw(rt, "packs from the beginning") {
			err = j.RaiseVersion(compat.Newest)
		}
		have := map[flow.Dot]bool{}
		seqs := rapid.SliceOfNDistinct(rapid.Uint64Range(1, 20), 1, 8, rapid.ID)
		dots := func() (all digest.Digest, batches []flow.Written) {
			drawn := seqs.Draw(rt, "seqs")
			slices.Sort(drawn)
			batches = tinies(hour, rapid.Uint64Range(1, 2).Draw(rt, "origin"), drawn...)
			for _, b := range batches {
				all.Add(b.Dot)
			}
			return all, batches
		}
		for range rapid.IntRange(1, 10).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"append", "append", "append", "adopt", "drop", "restart"}).Draw(rt, "step") {
			case "append":
				all, batches := dots()
				err = errors.Join(err, j.Append(batches...))
				for d := range all.Dots() {
					have[d] = true
				}
			case "adopt":
				all, _ := dots()
				err = errors.Join(err, j.Adopt(hour, rapid.Uint64().Draw(rt, "draft"), []byte("head"), all))
				for d := range all.Dots() {
					delete(have, d)
				}
			case "drop":
				err = errors.Join(err, j.Drop(hour))
				clear(have)
			case "restart":
				err = errors.Join(err, j.Close())
				j, _ = Open("data", Options{FS: fs})
				err = errors.Join(err, j.RaiseVersion(compat.Newest))
			}
			if err != nil {
				rt.Fatal(err)
			}
			var want digest.Digest
			for d := range have {
				want.Add(d)
			}
			if got := loadDots(t, j, hour); !slices.Equal(got, slices.Collect(want.Dots())) {
				rt.Fatalf("Load gives %v, want %s", got, want)
			}
			if got := dotsOf(t, j, hour); !slices.Equal(got, slices.Collect(want.Dots())) {
				rt.Fatalf("Dots gives %v, want %s", got, want)
			}
		}
	})
}

// A snapshot takes the place of the packs that it covers, and a drop removes all.
func TestNothingOfAPackStays(t *testing.T) {
	j := openPacks(t, vfs.NewMem())
	mustAppend(t, j, tinies(hour, 1, 1, 2)...)
	mustAppend(t, j, tinies(hour, 1, 3, 4)...)
	covers := digest.Of(flow.Dot{Origin: 1, Seq: 1}, flow.Dot{Origin: 1, Seq: 2}, flow.Dot{Origin: 1, Seq: 3})
	if err := j.Adopt(hour, 1, []byte("head"), covers); err != nil {
		t.Fatal(err)
	}
	if packs, runs := countKeys(t, j, entry.Pack), countKeys(t, j, entry.Run); packs != 1 || runs != 1 {
		t.Errorf("%d packs and %d runs are left, want the one with batch 4", packs, runs)
	}
	if got := loadDots(t, j, hour); !slices.Equal(got, []flow.Dot{{Origin: 1, Seq: 4}}) {
		t.Errorf("Load gives %v, want batch 4", got)
	}
	later := flow.Slice{Hour: hour.Hour + 1}
	mustAppend(t, j, tinies(later, 1, 1, 2)...)
	if err := errors.Join(j.DropBelow(later.Hour), j.ReclaimBelow(t.Context(), later.Hour)); err != nil {
		t.Fatal(err)
	}
	if got, err := j.Slices(); err != nil || !slices.Equal(got, []flow.Slice{later}) {
		t.Errorf("Slices = %v, %v, want %s", got, err, later)
	}
	if err := errors.Join(j.Drop(later), j.Reclaim(t.Context(), later)); err != nil {
		t.Fatal(err)
	}
	if packs, runs := countKeys(t, j, entry.Pack), countKeys(t, j, entry.Run); packs+runs > 0 {
		t.Errorf("%d packs and %d runs are left, want none", packs, runs)
	}
}

// A pack that cannot be read is named with its batches. The other values of the slice are found.
func TestADamagedPackIsNamed(t *testing.T) {
	for name, hurt := range map[string]func(t *testing.T, j *Journal, key, value []byte){
		"a flipped bit in the pack": func(t *testing.T, j *Journal, key, value []byte) { put(t, j, key, flip(value, len(value)-1)) },
		"no pack": func(t *testing.T, j *Journal, key, _ []byte) {
			if err := j.db.Delete(key, pebble.Sync); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			j := openPacks(t, vfs.NewMem())
			mustAppend(t, j, tinies(hour, 10, 7, 9)...)
			key, value := onlyPack(t, j)
			hurt(t, j, key, value)
			mustAppend(t, j, tiny(hour, flow.Dot{Origin: 10, Seq: 8}))
			_, err := j.Get(hour, flow.Dot{Origin: 10, Seq: 9})
			check(t, "Get", err, ErrCorrupt, "000000000000000a.9", "412")
			check(t, "Load", j.Load(hour, func([]byte) error { return nil }), ErrCorrupt, "000000000000000a: 7 9")
			if _, err := j.Get(hour, flow.Dot{Origin: 10, Seq: 8}); err != nil {
				t.Errorf("Get of another batch = %v", err)
			}
			mustAppend(t, j, tiny(hour, flow.Dot{Origin: 10, Seq: 9})) // of another store
			if _, err := j.Get(hour, flow.Dot{Origin: 10, Seq: 9}); err != nil {
				t.Errorf("Get of a batch that was written again = %v", err)
			}
		})
	}
	t.Run("a damaged run", func(t *testing.T) {
		j := openPacks(t, vfs.NewMem())
		mustAppend(t, j, tinies(hour, 10, 7, 9)...)
		key, _ := onlyPack(t, j)
		setRun := func(data []byte) {
			value := make([]byte, entry.EnvelopeLen+len(data))
			entry.Wrap(value, entry.WithKind(key, entry.Run), data)
			put(t, j, entry.WithKind(key, entry.Run), value)
		}
		setRun([]byte("no digest"))
		check(t, "Dots", j.Dots(hour, func(flow.Dot) error { return nil }), ErrCorrupt)
		_, err := j.Get(hour, flow.Dot{Origin: 10, Seq: 9})
		check(t, "Get", err, ErrCorrupt)
	})
}

// onlyPack returns the key and the value of the only pack.
func onlyPack(t *testing.T, j *Journal) (key, value []byte) {
	t.Helper()
	err := j.iterate([]byte{entry.Pack}, func(it *pebble.Iterator) error {
		it.First()
		key, value = slices.Clone(it.Key()), slices.Clone(it.Value())
		return nil
	})
	if err != nil || countKeys(t, j, entry.Pack) != 1 {
		t.Fatalf("%d packs, %v, want one", countKeys(t, j, entry.Pack), err)
	}
	return key, value
}

// P1, P11: the power is cut before each write and each fsync of appends and of a snapshot. Then a pack is there as a
// whole or not at all, with its run, and each acknowledged one is there.
func TestPowerLossLeavesAPackWhole(t *testing.T) {
	type cut struct {
		fs       vfs.FS
		acked    int // packs
		adopting bool
	}
	const packs, each = 10, 5
	fs, rng := vfs.NewCrashableMem(), rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	var cuts []cut
	now, recording := cut{}, false
	j := openPacks(t, faultfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		kinds := []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileSync, errorfs.OpFileSyncData}
		if recording && slices.Contains(kinds, op.Kind) {
			now.fs = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng})
			cuts = append(cuts, now)
		}
		return nil
	})))
	set := func(change func()) {
		mu.Lock()
		defer mu.Unlock()
		change()
	}
	set(func() { recording = true })
	for i := range packs {
		mustAppend(t, j, tinies(hour, uint64(i), 1, 2, 3, 4, 6)...)
		set(func() { now.acked++ })
	}
	set(func() { now.adopting = true })
	if err := j.Adopt(hour, 1, []byte("head"), digest.Of(flow.Dot{Origin: 0, Seq: 1}, flow.Dot{Origin: 1, Seq: 2})); err != nil {
		t.Fatal(err)
	}
	set(func() { recording = false })
	if len(cuts) < packs+1 {
		t.Errorf("the power was cut %d times, want at least once for each of %d writes", len(cuts), packs+1)
	}
	for _, c := range cuts {
		after := open(t, c.fs)
		there := map[uint64]int{}
		for _, d := range loadDots(t, after, hour) {
			there[d.Origin]++
		}
		adopted := 0
		for i := range packs {
			n := there[uint64(i)]
			if c.adopting && i < 2 && n == each-1 {
				adopted++
			} else if n != each && (n != 0 || i < c.acked) {
				t.Errorf("after %d packs: pack %d has %d batches of %d", c.acked, i, n, each)
			}
		}
		if adopted == 1 {
			t.Error("half of a snapshot is adopted")
		}
	}
}
