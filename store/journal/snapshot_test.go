package journal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/store/digest"
	"flowring/store/journal/entry"
)

func stage(t testing.TB, j *Journal, s flow.Slice, draft uint64, pieces ...string) {
	t.Helper()
	for i, data := range pieces {
		if err := j.Stage(s, draft, uint32(i), []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
}

func piecesOf(t testing.TB, j *Journal, s flow.Slice) (pieces []string) {
	t.Helper()
	if err := j.Pieces(s, func(data []byte) error { pieces = append(pieces, string(data)); return nil }); err != nil {
		t.Fatal(err)
	}
	return pieces
}

// drafts returns the number of pieces of all drafts in the journal.
func pieceCount(t testing.TB, j *Journal) (n int) {
	t.Helper()
	it, err := j.db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		if it.Key()[0] == entry.Piece {
			n++
		}
	}
	return n
}

func TestAdoptPutsASnapshotInThePlaceOfBatches(t *testing.T) {
	fs := vfs.NewCrashableMem()
	j := open(t, fs)
	other := flow.Slice{Hour: 412, Index: 1}
	for seq := range uint64(6) {
		appendTo(t, j, hour, flow.Dot{Origin: 1, Seq: seq + 1}, fmt.Sprint(seq+1))
	}
	appendTo(t, j, other, flow.Dot{Origin: 1, Seq: 1}, "other")
	if head, err := j.Head(hour); head != nil || err != nil {
		t.Errorf("Head before there is a snapshot = %q, %v, want nil, nil", head, err)
	}
	covers := digest.Of(flow.Dot{Origin: 1, Seq: 1}, flow.Dot{Origin: 1, Seq: 2}, flow.Dot{Origin: 1, Seq: 4})
	stage(t, j, hour, 7, "one", "two")
	if err := j.Adopt(hour, 7, []byte("head"), covers); err != nil {
		t.Fatal(err)
	}
	for name, j := range map[string]*Journal{"before a power loss": j, "after": open(t, fs.CrashClone(vfs.CrashCloneCfg{}))} {
		if head, err := j.Head(hour); string(head) != "head" || err != nil {
			t.Errorf("%s: Head = %q, %v, want head", name, head, err)
		}
		if got, want := piecesOf(t, j, hour), []string{"one", "two"}; !slices.Equal(got, want) {
			t.Errorf("%s: Pieces = %q, want %q", name, got, want)
		}
		if got, want := loadAll(t, j, hour), []string{"3", "5", "6"}; !slices.Equal(got, want) {
			t.Errorf("%s: Load = %q, want %q", name, got, want)
		}
		if got := len(dotsOf(t, j, hour)); got != 3 {
			t.Errorf("%s: %d dots beside the snapshot, want 3", name, got)
		}
		if got, want := loadAll(t, j, other), []string{"other"}; !slices.Equal(got, want) {
			t.Errorf("%s: Load of another slice = %q, want %q", name, got, want)
		}
	}
	stage(t, j, hour, 8, "three")
	all := digest.Of(flow.Dot{Origin: 1, Seq: 3}, flow.Dot{Origin: 1, Seq: 5}, flow.Dot{Origin: 1, Seq: 6}).Union(covers)
	if err := j.Adopt(hour, 8, []byte("head"), all); err != nil {
		t.Fatal(err)
	}
	if got := pieceCount(t, j); got != 1 {
		t.Errorf("%d pieces after a second snapshot, want its one alone", got)
	}
	if got, err := j.Slices(); err != nil || !slices.Equal(got, []flow.Slice{hour, other}) {
		t.Errorf("Slices() = %v, %v, want the one that has nothing but a snapshot too", got, err)
	}
	if err := j.Drop(hour); err != nil {
		t.Fatal(err)
	}
	if got, err := j.Slices(); err != nil || !slices.Equal(got, []flow.Slice{other}) || pieceCount(t, j) != 0 {
		t.Errorf("Slices() = %v, %v and %d pieces after a drop, want [%s] and none", got, err, pieceCount(t, j), other)
	}
}

// A loss of power during a draft leaves nothing of it, whichever pieces reached the disk.
func TestDraftsDoNotOutliveARestart(t *testing.T) {
	fs := vfs.NewCrashableMem()
	j := open(t, fs)
	appendTo(t, j, hour, flow.Dot{Origin: 1, Seq: 1}, "batch")
	stage(t, j, hour, 1, "adopted")
	if err := j.Adopt(hour, 1, nil, digest.Digest{}); err != nil {
		t.Fatal(err)
	}
	stage(t, j, hour, 9, "left", "behind")
	stage(t, j, flow.Slice{Hour: 413}, 9, "left")
	appendTo(t, j, flow.Slice{Hour: 414}, flow.Dot{Origin: 1, Seq: 1}, "batch") // its fsync covers the pieces too
	if got := pieceCount(t, open(t, fs.CrashClone(vfs.CrashCloneCfg{}))); got != 1 {
		t.Errorf("%d pieces after a restart with the drafts on disk, want the adopted one", got)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for _, unsynced := range []int{0, 50, 100} {
		after := open(t, fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: unsynced, RNG: rng}))
		if got := pieceCount(t, after); got != 1 {
			t.Errorf("%d %% of unsynced data survived: %d pieces after a restart, want the adopted one", unsynced, got)
		}
		if got, want := piecesOf(t, after, hour), []string{"adopted"}; !slices.Equal(got, want) {
			t.Errorf("%d %%: Pieces = %q, want %q", unsynced, got, want)
		}
		if got, want := loadAll(t, after, hour), []string{"batch"}; !slices.Equal(got, want) {
			t.Errorf("%d %%: Load = %q, want %q", unsynced, got, want)
		}
	}
}

func TestDiscardRemovesOneDraft(t *testing.T) {
	j := open(t, vfs.NewMem())
	stage(t, j, hour, 1, "one")
	stage(t, j, hour, 2, "two")
	if err := j.Discard(hour, 1); err != nil {
		t.Fatal(err)
	}
	if err := j.Adopt(hour, 2, nil, digest.Digest{}); err != nil {
		t.Fatal(err)
	}
	if got, want := piecesOf(t, j, hour), []string{"two"}; !slices.Equal(got, want) || pieceCount(t, j) != 1 {
		t.Errorf("Pieces = %q of %d, want %q alone", got, pieceCount(t, j), want)
	}
}

func TestDamagedSnapshotsAreRefused(t *testing.T) {
	j := open(t, vfs.NewMem())
	stage(t, j, hour, 1, "piece")
	if err := j.Adopt(hour, 1, []byte("head"), digest.Digest{}); err != nil {
		t.Fatal(err)
	}
	put(t, j, entry.PieceKey(hour, 1, 0), []byte("rubbish"))
	err := j.Pieces(hour, func([]byte) error { return nil })
	if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrCorrupt) {
		t.Errorf("Pieces of a damaged piece: %v, want it refused", err)
	}
	put(t, j, append(entry.SliceKey(entry.Piece, flow.Slice{Hour: 1}), 1), nil)
	check(t, "sweep", j.removeOrphanDrafts(), ErrCorrupt, "70")
	put(t, j, entry.SliceKey(entry.Head, hour), nil)
	_, err = j.Head(hour)
	check(t, "Head", err, ErrCorrupt, "412")
}

// The space of batches replaced by a snapshot is freed at once, and not later with a rewrite of their neighbours.
func TestReclaimGivesBackTheSpaceOfSealedBatches(t *testing.T) {
	j := open(t, vfs.NewMem())
	rng := rand.New(rand.NewPCG(1, 1))
	var covers digest.Digest
	for seq := range uint64(500) {
		data := make([]byte, 10_000)
		for i := range data {
			data[i] = byte(rng.Uint32()) // nothing to compress
		}
		d := flow.Dot{Origin: 1, Seq: seq + 1}
		covers.Add(d)
		appendTo(t, j, hour, d, string(data))
	}
	if err := j.db.Flush(); err != nil {
		t.Fatal(err)
	}
	tables := func() uint64 { return uint64(j.db.Metrics().Total().TablesSize) }
	before := tables()
	stage(t, j, hour, 1, "piece")
	if err := j.Adopt(hour, 1, nil, covers); err != nil {
		t.Fatal(err)
	}
	if err := j.Reclaim(t.Context(), hour); err != nil {
		t.Fatal(err)
	}
	if got := tables(); before < 4<<20 || got > before/10 {
		t.Errorf("tables have %d bytes after %d, want a tenth at most", got, before)
	}
	if got := piecesOf(t, j, hour); len(got) != 1 {
		t.Errorf("Pieces = %q, want the one", got)
	}
}

// Totals are written from the version with this feature on, and are removed with their slice.
func TestTotalsNeedTheirVersion(t *testing.T) {
	fs := vfs.NewMem()
	j := open(t, fs)
	s := flow.Slice{Hour: -5, Index: 3}
	check := func(want string) {
		t.Helper()
		if got, err := j.Totals(s); string(got) != want || err != nil {
			t.Errorf("Totals = %q, %v, want %q", got, err, want)
		}
	}
	set := func(totals string) {
		t.Helper()
		if err := j.SetTotals(s, []byte(totals)); err != nil {
			t.Fatal(err)
		}
	}
	set("too early")
	check("")
	if err := j.RaiseVersion(compat.Version(compat.HourTotals)); err != nil {
		t.Fatal(err)
	}
	set("first")
	set("second")
	check("second")
	if all, err := j.Slices(); len(all) > 0 || err != nil {
		t.Errorf("Slices = %v, %v: totals alone make no slice", all, err)
	}
	if err := j.Drop(s); err != nil {
		t.Fatal(err)
	}
	check("")
}
