package journal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"go.uber.org/goleak"

	"flowring/flow"
	"flowring/store/journal/entry"
	"flowring/store/journal/faultfs"
)

var hour = flow.Slice{Hour: 412}

// writers appends from several goroutines until stop, and returns the acknowledged dots. Each goroutine has an origin.
func writers(j *Journal, n int, stop func(appended int64) bool) (acked []flow.Dot) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var count atomic.Int64
	for origin := range uint64(n) {
		wg.Go(func() {
			for seq := uint64(1); !stop(count.Load()); seq++ {
				d := flow.Dot{Origin: origin, Seq: seq}
				if j.Append(batchAt(hour, d, fmt.Append(nil, d))) != nil {
					return
				}
				count.Add(1)
				mu.Lock()
				acked = append(acked, d)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return acked
}

// missing returns the dots without a batch in the journal. It fails the test for each batch with another content.
func missing(t *testing.T, j *Journal, dots []flow.Dot) (lost []flow.Dot) {
	t.Helper()
	for _, d := range dots {
		got, err := j.Get(hour, d)
		if errors.Is(err, ErrNotFound) {
			lost = append(lost, d)
			continue
		}
		if err != nil || string(got) != d.String() {
			t.Errorf("Get(%s) = %q, %v, want %q", d, got, err, d)
		}
	}
	return lost
}

// P1, P13: every acknowledged batch survives a loss of power, whichever other writes reached the disk.
func TestPowerLossLosesNothingAcknowledged(t *testing.T) {
	for _, unsynced := range []int{0, 20, 50, 80, 100} {
		t.Run(fmt.Sprintf("%d %% of unsynced blocks reached the disk", unsynced), func(t *testing.T) {
			fs := vfs.NewCrashableMem()
			j := open(t, fs)
			acked := writers(j, 8, func(n int64) bool { return n >= 500 })
			rng := rand.New(rand.NewPCG(1, uint64(unsynced)))
			for range 10 {
				// In progress when the power goes: they may be lost or torn.
				for seq := range uint64(10) {
					key := entry.BatchKey(entry.Batch, hour, flow.Dot{Origin: 99, Seq: seq})
					if err := j.db.Set(key, make([]byte, 3000), pebble.NoSync); err != nil {
						t.Fatal(err)
					}
				}
				checkAfterPowerLoss(t, fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsynced, RNG: rng}), acked)
			}
		})
	}
}

func checkAfterPowerLoss(t *testing.T, fs vfs.FS, acked []flow.Dot) {
	t.Helper()
	j := open(t, fs)
	if lost := missing(t, j, acked); len(lost) > 0 {
		t.Errorf("lost %d of %d acknowledged batches: %v", len(lost), len(acked), lost)
	}
	if got, err := j.Slices(); err != nil || len(got) != 1 {
		t.Errorf("Slices() = %v, %v, want [%s]", got, err, hour)
	}
}

// The negative control of the test above: without the fsync, the same crash loses batches.
func TestPowerLossLosesUnsyncedBatches(t *testing.T) {
	fs := vfs.NewCrashableMem()
	j := open(t, fs)
	acked := writers(j, 1, func(n int64) bool { return n >= 10 })
	unsynced := flow.Dot{Origin: 9, Seq: 1}
	key := entry.BatchKey(entry.Batch, hour, unsynced)
	if err := j.db.Set(key, nil, pebble.NoSync); err != nil {
		t.Fatal(err)
	}
	after := open(t, fs.CrashClone(vfs.CrashCloneCfg{}))
	if lost := missing(t, after, append(acked, unsynced)); len(lost) != 1 || lost[0] != unsynced {
		t.Errorf("lost %v, want [%s], which was not fsynced", lost, unsynced)
	}
}

// P13: after a failure of the disk the journal acknowledges nothing. Batches acknowledged before are there after a
// restart.
func TestNothingIsAcknowledgedAfterADiskFailure(t *testing.T) {
	syncs := []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}
	for name, kinds := range map[string][]errorfs.OpKind{"fsync fails": syncs, "write fails": {errorfs.OpFileWrite}} {
		t.Run(name, func(t *testing.T) { testFailedDisk(t, kinds) })
	}
}

func testFailedDisk(t *testing.T, kinds []errorfs.OpKind) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	fs := vfs.NewCrashableMem()
	var broken atomic.Bool
	failing := faultfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if broken.Load() && slices.Contains(kinds, op.Kind) {
			return errorfs.ErrInjected
		}
		return nil
	}))
	fatal := make(chan error, 100)
	j, err := Open("data", Options{FS: failing, Fatal: func(err error) { fatal <- err }})
	if err != nil {
		t.Fatal(err)
	}
	acked := writers(j, 8, func(n int64) bool { broken.Store(n >= 200); return false })
	if len(fatal) != 1 {
		t.Errorf("Fatal was called %d times, want once", len(fatal))
	}
	for _, call := range []func() error{
		func() error { return j.Append(batchAt(hour, flow.Dot{Origin: 99, Seq: 1}, nil)) },
		func() error { return j.SetState("roster", nil) },
		func() error { return j.Drop(hour) },
	} {
		if err := call(); !errors.Is(err, ErrFailed) {
			t.Errorf("a write after the failure: %v, want %v", err, ErrFailed)
		}
	}
	_ = j.Close() // it fails in one of several ways, and leaves no goroutine behind
	after, err := Open("data", Options{FS: fs.CrashClone(vfs.CrashCloneCfg{})})
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	if lost := missing(t, after, acked); len(lost) > 0 || len(acked) < 200 {
		t.Errorf("lost %d of %d acknowledged batches: %v", len(lost), len(acked), lost)
	}
}

// P1, P11: after a loss of power at any moment, either all batches of one Append are there or none, and all if it had
// returned.
func TestPowerLossLeavesAnAppendWhole(t *testing.T) {
	write := func(j *Journal, batches []flow.Written) error { return j.Append(batches...) }
	if torn, lost := powerLossAmidAppends(t, write); torn+lost > 0 {
		t.Errorf("%d appends are torn, %d acknowledged ones are lost", torn, lost)
	}
}

// The negative control of the test above: one Append after the other for each batch.
func TestPowerLossTearsSeveralAppends(t *testing.T) {
	torn, lost := powerLossAmidAppends(t, func(j *Journal, batches []flow.Written) error {
		for _, b := range batches {
			if err := j.Append(b); err != nil {
				return err
			}
		}
		return nil
	})
	if torn == 0 || lost > 0 {
		t.Errorf("%d groups of appends are torn and %d acknowledged ones are lost, want some and none", torn, lost)
	}
}

// groupSize is the number of batches of one group. They share one dot, and each is of another slice.
const groupSize = 4

// powerLossAmidAppends appends groups of batches and cuts the power before each write and each fsync. It returns the
// number of torn groups, and the number of acknowledged groups that were not whole afterwards.
func powerLossAmidAppends(t *testing.T, write func(*Journal, []flow.Written) error) (torn, lost int) {
	const groups = 12
	fs, rng := vfs.NewCrashableMem(), rand.New(rand.NewPCG(1, 2))
	type cut struct {
		fs    vfs.FS
		acked uint64 // groups of seqs below this
	}
	var mu sync.Mutex
	var cuts []cut
	var acked uint64
	j := open(t, faultfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		kinds := []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileSync, errorfs.OpFileSyncData}
		if acked < groups && slices.Contains(kinds, op.Kind) {
			cuts = append(cuts, cut{fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng}), acked})
		}
		return nil
	})))
	cuts = nil // without the cuts during Open
	for seq := range uint64(groups) {
		if err := write(j, group(flow.Dot{Origin: 1, Seq: seq})); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		acked = seq + 1
		mu.Unlock()
	}
	if len(cuts) < groups {
		t.Errorf("the power was cut %d times, want at least once for each of %d groups", len(cuts), groups)
	}
	for _, c := range cuts {
		there := groupsIn(t, open(t, c.fs))
		for seq := range uint64(groups) {
			switch n := there[flow.Dot{Origin: 1, Seq: seq}]; {
			case n > 0 && n < groupSize:
				torn++
			case n == 0 && seq < c.acked:
				lost++
			}
		}
	}
	return torn, lost
}

func group(d flow.Dot) (batches []flow.Written) {
	for i := range uint32(groupSize) {
		batches = append(batches, batchAt(flow.Slice{Hour: 412, Index: i}, d, make([]byte, 500)))
	}
	return batches
}

// groupsIn returns the number of batches in the journal for each group.
func groupsIn(t *testing.T, j *Journal) map[flow.Dot]int {
	there := make(map[flow.Dot]int)
	for _, b := range group(flow.Dot{}) {
		for _, d := range dotsOf(t, j, b.Slice) {
			there[d]++
		}
	}
	return there
}
