package journal

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/store/digest"
	"flowring/store/journal/entry"
	"flowring/store/journal/faultfs"
)

// expiring are the hours of the tests. Those below the floor are deleted.
var expiring = []flow.Hour{-3, 410, 411, 412, 413}

const floor = 412

// fillHour writes keys of every kind for two slices of an hour, some of them into tables on disk.
func fillHour(t *testing.T, j *Journal, h flow.Hour) {
	t.Helper()
	for index := range uint32(2) {
		s := flow.Slice{Hour: h, Index: index}
		for seq := range uint64(4) {
			appendTo(t, j, s, flow.Dot{Origin: 1, Seq: seq + 1}, fmt.Sprint(s, seq))
		}
		if err := j.SetTotals(s, []byte("totals")); err != nil { // the fsync of Adopt covers it
			t.Fatal(err)
		}
		stage(t, j, s, 7, "one", "two")
		if err := j.Adopt(s, 7, []byte("head"), digest.Of(flow.Dot{Origin: 1, Seq: 1}, flow.Dot{Origin: 1, Seq: 2})); err != nil {
			t.Fatal(err)
		}
	}
	if h%2 == 0 {
		if err := j.db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
}

// keysOf returns the number of keys of each slice with one.
func keysOf(t *testing.T, j *Journal) map[flow.Slice]int {
	t.Helper()
	it, err := j.db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	n := map[flow.Slice]int{}
	for it.First(); it.Valid(); it.Next() {
		if slices.Contains(entry.SliceKinds[:], it.Key()[0]) {
			n[entry.SliceOf(it.Key())]++
		}
	}
	return n
}

// keysOfSlice is the number of keys that fillHour leaves for a slice: batches and dots outside of the snapshot, its head,
// its pieces, and the totals.
const keysOfSlice = 2*2 + 1 + 2 + 1

// deletion cuts the power before each write and each fsync of a deletion, and returns the number of cuts after which a
// slice was there in part, and the number of those after which an hour was there although the deletion had returned.
func deletion(t *testing.T, remove func(*Journal) error) (torn, back int) {
	type cut struct {
		fs   vfs.FS
		done bool
	}
	fs, rng := vfs.NewCrashableMem(), rand.New(rand.NewPCG(3, 4))
	var mu sync.Mutex
	var cuts []cut
	begun, done := false, false
	injector := errorfs.InjectorFunc(func(op errorfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if begun && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			cuts = append(cuts, cut{fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng}), done})
		}
		return nil
	})
	j := open(t, faultfs.Wrap(fs, injector))
	if err := j.RaiseVersion(compat.Version(compat.HourTotals)); err != nil {
		t.Fatal(err)
	}
	for _, h := range expiring {
		fillHour(t, j, h)
	}
	set := func(to *bool) {
		mu.Lock()
		defer mu.Unlock()
		*to = true
	}
	set(&begun)
	if err := remove(j); err != nil {
		t.Fatal(err)
	}
	set(&done)
	if err := j.ReclaimBelow(t.Context(), floor); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	begun = false
	mu.Unlock()
	if len(cuts) < 4 {
		t.Errorf("the power was cut %d times, want several times in the deletion and the compaction", len(cuts))
	}
	for _, c := range cuts {
		n := keysOf(t, open(t, c.fs))
		for _, h := range expiring {
			for index := range uint32(2) {
				got := n[flow.Slice{Hour: h, Index: index}]
				switch {
				case got != 0 && got != keysOfSlice, h >= floor && got == 0:
					torn++
				case h < floor && got != 0 && c.done:
					back++
				}
			}
		}
	}
	return torn, back
}

// P4: a loss of power at any write of a deletion, or of the compaction behind it, leaves each hour whole or deletes it with
// its dots, snapshots and totals. Hours at the floor and above stay.
func TestPowerLossLeavesNoHourHalfDeleted(t *testing.T) {
	if torn, back := deletion(t, func(j *Journal) error { return j.DropBelow(floor) }); torn+back > 0 {
		t.Errorf("after %d cuts a slice is torn, after %d a deleted one is back", torn, back)
	}
}

// The negative control of the test above: one write for each kind of key.
func TestPowerLossTearsADeletionInSeveralWrites(t *testing.T) {
	torn, _ := deletion(t, func(j *Journal) error {
		for _, kind := range entry.SliceKinds {
			if err := j.db.DeleteRange([]byte{kind}, entry.SliceKey(kind, flow.Slice{Hour: floor}), nil); err != nil {
				return err
			}
		}
		return nil
	})
	if torn == 0 {
		t.Error("no slice is torn, want some")
	}
}

// The files of deleted hours leave the disk, and those of the other hours stay.
func TestDeletedHoursLeaveTheDisk(t *testing.T) {
	j := open(t, vfs.NewMem())
	value := make([]byte, 64<<10)
	random := rand.New(rand.NewPCG(5, 6))
	for _, h := range expiring {
		for seq := range uint64(64) {
			for i := range value {
				value[i] = byte(random.Uint32())
			}
			appendTo(t, j, flow.Slice{Hour: h}, flow.Dot{Origin: 1, Seq: seq}, string(value))
		}
	}
	if err := j.db.Flush(); err != nil {
		t.Fatal(err)
	}
	tables := func() (n int64) {
		for _, level := range j.db.Metrics().Levels {
			n += level.TablesSize
		}
		return n
	}
	before := tables()
	if err := j.DropBelow(floor); err != nil {
		t.Fatal(err)
	}
	if err := j.ReclaimBelow(t.Context(), floor); err != nil {
		t.Fatal(err)
	}
	if after := tables(); after > before/2 || after < before/4 {
		t.Errorf("tables have %d bytes after the deletion of three hours of five, %d before", after, before)
	}
	if got := len(dotsOf(t, j, flow.Slice{Hour: floor})); got != 64 {
		t.Errorf("the hour at the floor has %d batches, want 64", got)
	}
}
