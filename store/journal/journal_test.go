package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"flowring/flow"
	"flowring/store/journal/entry"
)

func open(t testing.TB, fs vfs.FS) *Journal {
	t.Helper()
	j, err := Open("data", Options{FS: fs, Fatal: func(err error) { t.Errorf("Fatal(%v), want no failure", err) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// batchAt returns a batch as the journal gets it.
func batchAt(s flow.Slice, d flow.Dot, encoded []byte) flow.Written {
	return flow.Written{Batch: &flow.Batch{Slice: s, Dot: d}, Bytes: encoded}
}

func appendTo(t testing.TB, j *Journal, s flow.Slice, d flow.Dot, batch string) {
	t.Helper()
	if err := j.Append(batchAt(s, d, []byte(batch))); err != nil {
		t.Fatal(err)
	}
}

func dotsOf(t testing.TB, j *Journal, s flow.Slice) (dots []flow.Dot) {
	t.Helper()
	if err := j.Dots(s, func(d flow.Dot) error { dots = append(dots, d); return nil }); err != nil {
		t.Fatal(err)
	}
	return dots
}

func loadAll(t testing.TB, j *Journal, s flow.Slice) (batches []string) {
	t.Helper()
	if err := j.Load(s, func(b []byte) error { batches = append(batches, string(b)); return nil }); err != nil {
		t.Fatal(err)
	}
	return batches
}

func TestAppendedBatchesAreReadBack(t *testing.T) {
	fs := vfs.NewMem()
	j := open(t, fs)
	slicesWanted := []flow.Slice{
		{Hour: math.MinInt64}, {Hour: -1, Index: 7}, {Hour: 0}, {Hour: 0, Index: math.MaxUint32}, {Hour: 5},
		{Hour: math.MaxInt64, Index: math.MaxUint32},
	}
	dots := []flow.Dot{{Origin: 0, Seq: 1}, {Origin: 3, Seq: 1}, {Origin: 3, Seq: 2}, {Origin: math.MaxUint64, Seq: math.MaxUint64}}
	for _, s := range slices.Backward(slicesWanted) {
		for _, d := range slices.Backward(dots) {
			appendTo(t, j, s, d, fmt.Sprint(s, d))
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, fs)
	got, err := j.Slices()
	if err != nil || !slices.Equal(got, slicesWanted) {
		t.Errorf("Slices() = %v, %v, want %v", got, err, slicesWanted)
	}
	for _, s := range slicesWanted {
		if got := dotsOf(t, j, s); !slices.Equal(got, dots) {
			t.Errorf("Dots(%v) = %v, want %v", s, got, dots)
		}
		var want []string
		for _, d := range dots {
			want = append(want, fmt.Sprint(s, d))
			if got, err := j.Get(s, d); err != nil || string(got) != want[len(want)-1] {
				t.Errorf("Get(%v, %v) = %q, %v, want %q", s, d, got, err, want[len(want)-1])
			}
		}
		if got := loadAll(t, j, s); !slices.Equal(got, want) {
			t.Errorf("Load(%v) = %q, want %q", s, got, want)
		}
	}
	if _, err := j.Get(flow.Slice{Hour: 6}, dots[0]); !errors.Is(err, ErrNotFound) {
		t.Errorf("Get of a batch that is not there: %v, want %v", err, ErrNotFound)
	}
}

func TestDropRemovesOneSliceForGood(t *testing.T) {
	fs := vfs.NewCrashableMem()
	j := open(t, fs)
	kept := []flow.Slice{{Hour: 4, Index: math.MaxUint32}, {Hour: 5, Index: 1}}
	for _, s := range append(kept, flow.Slice{Hour: 5}) {
		appendTo(t, j, s, flow.Dot{Origin: 1, Seq: 1}, "batch")
	}
	if err := j.Drop(flow.Slice{Hour: 5}); err != nil {
		t.Fatal(err)
	}
	for name, j := range map[string]*Journal{"before a power loss": j, "after": open(t, fs.CrashClone(vfs.CrashCloneCfg{}))} {
		if got, err := j.Slices(); err != nil || !slices.Equal(got, kept) {
			t.Errorf("%s: Slices() = %v, %v, want %v", name, got, err, kept)
		}
		if got := loadAll(t, j, flow.Slice{Hour: 5}); got != nil {
			t.Errorf("%s: Load of the dropped slice = %q, want none", name, got)
		}
	}
}

func TestStateIsKept(t *testing.T) {
	fs := vfs.NewCrashableMem()
	j := open(t, fs)
	if got, err := j.State("roster"); got != nil || err != nil {
		t.Errorf("State of a name never set = %q, %v, want nil, nil", got, err)
	}
	for _, value := range []string{"first", "second", ""} {
		if err := j.SetState("roster", []byte(value)); err != nil {
			t.Fatal(err)
		}
		after := open(t, fs.CrashClone(vfs.CrashCloneCfg{}))
		if got, err := after.State("roster"); got == nil || string(got) != value || err != nil {
			t.Errorf("State after a power loss = %q, %v, want %q", got, err, value)
		}
	}
}

func TestDamagedValuesAreRefusedWithTheirName(t *testing.T) {
	s, d := flow.Slice{Hour: 412, Index: 3}, flow.Dot{Origin: 10, Seq: 9}
	good := make([]byte, entry.EnvelopeLen+5)
	entry.Wrap(good, entry.BatchKey(entry.Batch, s, d), []byte("batch"))
	tests := []struct {
		name  string
		value []byte
		want  error
	}{
		{"a flipped bit in the payload", flip(good, len(good)-1), ErrCorrupt},
		{"a flipped bit in the checksum", flip(good, 2), ErrCorrupt},
		{"an unknown version", flip(good, 0), ErrFormat},
		{"a value cut short", good[:3], ErrCorrupt},
		{"no value", nil, ErrCorrupt},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			j := open(t, vfs.NewMem())
			put(t, j, entry.BatchKey(entry.Batch, s, d), test.value)
			_, err := j.Get(s, d)
			check(t, "Get", err, test.want, "000000000000000a.9", "412/3")
			err = j.Load(s, func([]byte) error { return nil })
			check(t, "Load", err, test.want, "000000000000000a.9", "412/3")
			put(t, j, entry.StateKey("roster"), test.value)
			_, err = j.State("roster")
			check(t, "State", err, test.want, "roster")
		})
	}
	t.Run("a value under another's key", func(t *testing.T) {
		j := open(t, vfs.NewMem())
		put(t, j, entry.BatchKey(entry.Batch, s, flow.Dot{Origin: 10, Seq: 8}), good)
		_, err := j.Get(s, flow.Dot{Origin: 10, Seq: 8})
		check(t, "Get", err, ErrCorrupt, "000000000000000a.8")
	})
	t.Run("a key of another length", func(t *testing.T) {
		j := open(t, vfs.NewMem())
		put(t, j, append(entry.BatchKey(entry.Dot, s, d), 1), nil)
		_, err := j.Slices()
		check(t, "Slices", err, ErrCorrupt, "64")
	})
}

func flip(value []byte, at int) []byte {
	value = bytes.Clone(value)
	value[at] ^= 2
	return value
}

func put(t *testing.T, j *Journal, key, value []byte) {
	t.Helper()
	if err := j.db.Set(key, value, pebble.Sync); err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, call string, err, want error, says ...string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", call, err, want)
	}
	for _, part := range says {
		if !strings.Contains(fmt.Sprint(err), part) {
			t.Errorf("%s: %v, want it to say %s", call, err, part)
		}
	}
}

func TestClosedJournalRefuses(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	j := open(t, vfs.NewMem())
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(batchAt(flow.Slice{}, flow.Dot{}, nil)); !errors.Is(err, ErrClosed) {
		t.Errorf("Append after Close: %v, want %v", err, ErrClosed)
	}
	if _, err := j.Slices(); !errors.Is(err, ErrClosed) {
		t.Errorf("Slices after Close: %v, want %v", err, ErrClosed)
	}
	if err := j.Close(); err != nil {
		t.Errorf("Close again: %v, want nil", err)
	}
}
