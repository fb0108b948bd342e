package flow

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAddUpKeepsTheOrderOfFirstAppearance(t *testing.T) {
	got := mustAddUp(t, []Record{
		rec(20, "b", "a", "v", 1, 10),
		rec(-5, "a", "a", "a", 2, 20),
		rec(20, "c", "b", "w", 3, 30),
		rec(20, "b", "a", "v", 4, 40),
	})
	want := &Posting{Records: 4, Batches: []*Batch{
		{
			Slice: Slice{Hour: 20},
			Names: []string{"b", "a", "v", "c", "w"},
			Src:   []uint32{0, 3}, Dest: []uint32{1, 0}, VPC: []uint32{2, 4},
			Tx: []int64{5, 3}, Rx: []int64{50, 30},
		},
		{
			Slice: Slice{Hour: -5},
			Names: []string{"a"},
			Src:   []uint32{0}, Dest: []uint32{0}, VPC: []uint32{0},
			Tx: []int64{2}, Rx: []int64{20},
		},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("AddUp = %+v, want %+v", got, want)
	}
}

func TestAddUpOfNothingHasNoBatches(t *testing.T) {
	p := mustAddUp(t, nil)
	if p.Records != 0 || len(p.Batches) != 0 || p.Flows() != 0 {
		t.Errorf("AddUp(nil) = %+v, want no records and no batches", p)
	}
	if hours := p.Hours(); hours == nil || len(hours) != 0 {
		t.Errorf("Hours() = %#v, want an empty slice that is not nil", hours)
	}
}

func TestHoursAreDistinctAndAscending(t *testing.T) {
	var all []Record
	for _, hour := range []Hour{7, math.MinInt64, 7, 0, math.MaxInt64, -3} {
		all = append(all, rec(hour, "a", "b", "v", 1, 1), rec(hour, "c", "d", "v", 1, 1), rec(hour, "e", "f", "v", 1, 1))
	}
	got := mustAddUp(t, all).Hours()
	if want := []Hour{math.MinInt64, -3, 0, 7, math.MaxInt64}; !reflect.DeepEqual(got, want) {
		t.Errorf("Hours() = %v, want %v", got, want)
	}
}

func TestAddUpRefusesInvalidRecords(t *testing.T) {
	long := strings.Repeat("x", MaxName+1)
	for name, c := range map[string]struct {
		bad  Record
		want string
	}{
		"an empty source":        {rec(1, "", "b", "v", 1, 1), `record 1: field "src_app": must not be empty`},
		"an over-long target":    {rec(1, "a", long, "v", 1, 1), `record 1: field "dest_app": must be at most 256 bytes, got 257`},
		"a VPC that is not text": {rec(1, "a", "b", "\xff", 1, 1), `record 1: field "vpc_id": must be valid UTF-8`},
		"negative bytes sent":    {rec(1, "a", "b", "v", -1, 1), `record 1: field "bytes_tx": must not be negative, got -1`},
		"negative bytes back":    {rec(1, "a", "b", "v", 1, -2), `record 1: field "bytes_rx": must not be negative, got -2`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := AddUp([]Record{rec(1, "a", "b", "v", 1, 1), c.bad})
			var refused *RecordError
			if !errors.As(err, &refused) || err.Error() != c.want {
				t.Errorf("AddUp = %v, want the RecordError %q", err, c.want)
			}
		})
	}
}

func TestAddUpNeverWraps(t *testing.T) {
	most := rec(3, "a", "b", "v", math.MaxInt64-1, 0)
	if p := mustAddUp(t, []Record{most, rec(3, "a", "b", "v", 1, 0)}); p.Batches[0].Tx[0] != math.MaxInt64 {
		t.Errorf("sum = %d, want 2^63-1", p.Batches[0].Tx[0])
	}
	for name, more := range map[string][]Record{
		"one more byte sent":     {most, rec(3, "a", "b", "v", 2, 0)},
		"one more byte received": {rec(3, "a", "b", "v", 0, math.MaxInt64), rec(3, "a", "b", "v", 0, 1)},
	} {
		_, err := AddUp(more)
		if !errors.Is(err, ErrOverflow) || !strings.Contains(err.Error(), `hour 3: flow "a" to "b" in "v"`) {
			t.Errorf("%s: AddUp = %v, want ErrOverflow for the hour and the flow", name, err)
		}
	}
	mustAddUp(t, []Record{most, rec(4, "a", "b", "v", 2, 0), rec(3, "b", "a", "v", 2, 0)}) // sums of other flows are separate
}

func TestAddUpEqualsTheNaiveFold(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := records().Draw(rt, "records")
		p := mustAddUp(t, in)
		if got, want := sums(t, p), fold(in); !reflect.DeepEqual(got, want) {
			rt.Errorf("AddUp(%v) = %v, want %v", in, got, want)
		}
		if p.Records != len(in) || p.Flows() != len(fold(in)) {
			rt.Errorf("AddUp(%v): %d records, %d flows, want %d, %d", in, p.Records, p.Flows(), len(in), len(fold(in)))
		}
	})
}

func TestEachHourIsOneBatch(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seen := map[Hour]bool{}
		for _, b := range mustAddUp(t, records().Draw(rt, "records")).Batches {
			if seen[b.Slice.Hour] || b.Slice.Index != 0 {
				rt.Errorf("batch of %v, want one for each hour, in no slice yet", b.Slice)
			}
			seen[b.Slice.Hour] = true
		}
	})
}

// A request with another hour in every record is the most expensive kind. It may not cost a multiple of others (P16).
func TestManyHoursCostLittleMemory(t *testing.T) {
	const n = 10_000
	in := make([]Record, n)
	for i := range in {
		in[i] = rec(Hour(i), "a", "b", "v", 1, 1)
	}
	got := testing.AllocsPerRun(5, func() { mustAddUp(t, in) }) / n
	if got > 4.5 {
		t.Errorf("AddUp of records of distinct hours allocates %.1f times per record, want at most 4.5", got)
	}
}
