package store

import (
	"errors"
	"math"
	"testing"

	"flowring/flow"
	"flowring/internal/contract"
)

func TestCheckFindsReplaysReusedKeysAndOverflows(t *testing.T) {
	keyed := func(seq uint64, key, id byte, records ...flow.Record) *flow.Batch {
		b := batchOf(t, noon, dot(1, seq), records...)
		b.ID, b.Key = flow.ID{id}, flow.ID{key}
		return b
	}
	tests := []struct {
		name   string
		batch  *flow.Batch
		replay bool
		want   error
	}{
		{"a new key", keyed(9, 3, 3, record("a", "b", 1, 1)), false, nil},
		{"no key", batchOf(t, noon, dot(9, 9), record("a", "b", 1, 1)), false, nil},
		{"a key and content seen before", keyed(9, 1, 1, record("a", "b", 1, 1)), true, nil},
		{"a key with content that is not the first it came with", keyed(9, 1, 7, record("a", "b", 1, 1)), true, nil},
		{"a key seen before with other content", keyed(9, 1, 4, record("a", "b", 1, 1)), false, contract.KeyReused},
		{"a total that just fits", keyed(9, 5, 5, record("full", "b", 5, 0)), false, nil},
		{"a total one too large", keyed(9, 5, 5, record("x", "y", 1, 1), record("full", "b", 6, 0)), false, contract.Overflow},
		{"as much for another flow", keyed(9, 5, 5, record("full", "c", 6, 0)), false, nil},
		{"a replay that would not fit once more", keyed(9, 2, 2, record("full", "b", 100, 0)), true, nil},
	}
	j := newMemJournal()
	s := opened(t, j, 0)
	apply(t, s, keyed(1, 1, 1, record("a", "b", 1, 1)))
	apply(t, s, keyed(2, 1, 7, record("a", "b", 1, 1))) // two nodes admitted them at once, neither knowing of the other
	full := keyed(3, 2, 2, record("full", "b", 1, 1))
	full.Tx[0] = math.MaxInt64 - 5
	apply(t, s, full)
	before := totalsByKey(read(t, s, noon))
	for name, s := range map[string]*Store{"warm": s, "cold": opened(t, j, 0)} {
		for _, test := range tests {
			t.Run(test.name+", "+name, func(t *testing.T) {
				replay, err := s.Check(written(test.batch)...)
				if replay != test.replay || !errors.Is(err, test.want) {
					t.Errorf("Check = %t, %v, want %t, %v", replay, err, test.replay, test.want)
				}
				if got := totalsByKey(read(t, s, noon)); len(got) != len(before) {
					t.Errorf("the slice has %d flows after Check, %d before", len(got), len(before))
				}
			})
		}
	}
	if replay, err := s.Check(written(batchOf(t, flow.Slice{Hour: 99}, dot(1, 1), record("a", "b", 1, 1)))...); replay || err != nil {
		t.Errorf("Check of a slice that is not held = %t, %v, want false, nil", replay, err)
	}
	if got := s.Slices(); len(got) != 1 {
		t.Errorf("Slices() = %v after Check, want %v alone", got, noon)
	}
}
