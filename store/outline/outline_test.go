package outline

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"flowring/flow"
	"flowring/store/digest"
	"flowring/store/snapshot"
	"flowring/store/table"
	"flowring/store/totals"

	"pgregory.net/rapid"
)

var noon = flow.Slice{Hour: 12}

// journal has batches, and the pieces of a snapshot.
type journal struct{ batches, pieces [][]byte }

func (j *journal) Load(_ flow.Slice, fn func([]byte) error) error   { return each(j.batches, fn) }
func (j *journal) Pieces(_ flow.Slice, fn func([]byte) error) error { return each(j.pieces, fn) }

func each(frames [][]byte, fn func([]byte) error) error {
	for _, frame := range frames {
		if err := fn(frame); err != nil {
			return err
		}
	}
	return nil
}

func batch(t rapid.TB, dot flow.Dot, id flow.ID, records ...flow.Record) *flow.Batch {
	t.Helper()
	for i := range records {
		records[i].Hour = noon.Hour
	}
	p, err := flow.AddUp(records)
	if err != nil {
		t.Fatal(err)
	}
	b := p.Batches[0]
	b.Slice, b.Dot, b.ID, b.Key = noon, dot, id, id
	return b
}

func record(src, dest string, tx, rx int64) flow.Record {
	return flow.Record{Key: flow.Key{SrcApp: src, DestApp: dest, VPCID: "v"}, Totals: flow.Totals{BytesTx: tx, BytesRx: rx}}
}

// fold is a table of batches and their dots.
type fold struct {
	*table.Table
	dots digest.Digest
}

func (f *fold) add(b *flow.Batch) {
	rows := f.Group(b)
	defer f.Release(rows)
	f.Add(b, rows)
	if b.Dot != (flow.Dot{}) {
		f.dots.Add(b.Dot)
	}
}

func (f *fold) known(sealed bool) Known {
	v := new(table.View)
	f.CopyTo(v, noon.Hour, f.Room())
	k := Known{Digest: f.dots.Clone(), View: v, Sealed: sealed}
	k.Sums = append(k.Sums, sums(v))
	return k
}

func sums(v *table.View) (t totals.Totals) {
	for _, flows := range v.Columns() {
		t.Add(flows)
	}
	return t
}

// An outline agrees with the fold of its batches, in memory and as totals of a cold slice, and with no other one (P15).
func TestAnOutlineAgreesWithTheFoldAlone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f, j := fold{Table: table.New()}, &journal{}
		draw := func() flow.Record {
			app := rapid.SampledFrom([]string{"a", "b", "c"})
			bytes := rapid.Int64Range(0, math.MaxInt64/32)
			return record(app.Draw(rt, "src"), app.Draw(rt, "dest"), bytes.Draw(rt, "tx"), 1+bytes.Draw(rt, "rx"))
		}
		n := rapid.IntRange(1, 6).Draw(rt, "batches")
		for seq := range uint64(n) {
			b := batch(rt, flow.Dot{Origin: 1, Seq: seq + 1}, flow.ID{byte(seq + 1)}, draw(), draw())
			f.add(b)
			j.batches = append(j.batches, b.Encode())
			if rapid.Bool().Draw(rt, "again") { // under another dot
				b.Dot.Origin = 2
				f.dots.Add(b.Dot)
				j.batches = append(j.batches, b.Encode())
			}
		}
		var head *snapshot.Head
		if sealed := rapid.IntRange(0, n).Draw(rt, "sealed"); sealed > 0 {
			head = seal(rt, j)
		}
		k := f.known(head != nil)
		o, err := Of(j, noon, head, &k.Digest)
		if err != nil || !o.Agrees(k) {
			rt.Fatalf("Of = %+v, %v, want an outline that agrees with %+v", o, err, k)
		}
		cold := k
		cold.View = nil
		if o.Agrees(cold) != k.Sealed || k.Difference(k.View, k.Digest, sums(k.View)) != "" {
			rt.Fatalf("the outline does not agree with the totals %+v", k.Sums)
		}
		cold.Sums[0].Rx = cold.Sums[0].Rx.Plus(cold.Sums[0].Tx).Plus(cold.Sums[0].Rx)
		if o.Agrees(cold) {
			rt.Fatal("the outline agrees with wrong sums")
		}
		f.add(batch(rt, flow.Dot{}, flow.ID{}, draw()))
		wrong := f.known(head != nil)
		wrong.Sums = nil
		if o.Agrees(wrong) || wrong.Difference(k.View, k.Digest, sums(k.View)) == "" {
			rt.Fatal("the outline agrees with a fold that has one more record")
		}
	})
}

// seal replaces the batches of a journal by a snapshot.
func seal(t rapid.TB, j *journal) *snapshot.Head {
	t.Helper()
	f, head := fold{Table: table.New()}, &snapshot.Head{Slice: noon}
	var ids []snapshot.IDPair
	seen := map[flow.ID]bool{}
	for _, encoded := range j.batches {
		b, err := flow.ParseBatch(encoded)
		if err != nil {
			t.Fatal(err)
		}
		head.Digest.Add(b.Dot)
		if !seen[b.ID] {
			f.add(b)
			ids = append(ids, snapshot.IDPair{Key: b.Key, ID: b.ID})
		}
		seen[b.ID] = true
	}
	j.pieces = [][]byte{snapshot.EncodeIDs(ids)}
	for part := range f.known(true).View.Parts(noon, 2) {
		j.pieces = append(j.pieces, part.Encode())
	}
	head.Pieces = uint32(len(j.pieces))
	j.batches = j.batches[len(j.batches)-1:] // came under another dot too late for the snapshot
	b, err := flow.ParseBatch(j.batches[0])
	if err != nil {
		t.Fatal(err)
	}
	head.Digest = head.Digest.Minus(digest.Of(b.Dot))
	if head.Digest.Empty() {
		j.batches = nil
		head.Digest.Add(b.Dot)
	}
	return head
}

// Totals that were swapped between two flows have the right sum. Their fingerprint differs.
func TestSwappedTotalsDoNotAgree(t *testing.T) {
	j := &journal{batches: [][]byte{batch(t, flow.Dot{Origin: 1, Seq: 1}, flow.ID{}, record("a", "b", 1, 2), record("a", "c", 2, 1)).Encode()}}
	f := fold{Table: table.New()}
	f.add(batch(t, flow.Dot{Origin: 1, Seq: 1}, flow.ID{}, record("a", "b", 2, 1), record("a", "c", 1, 2)))
	k := f.known(false)
	o, err := Of(j, noon, nil, &k.Digest)
	if err != nil || o.Totals != k.Sums[0] || o.Agrees(k) {
		t.Errorf("Of = %+v, %v, want the sums %+v and another fingerprint", o.Totals, err, k.Sums[0])
	}
}

// Batches that came after the reading of memory do not count, and batches that are gone are named.
func TestDotsDecide(t *testing.T) {
	var encoded [][]byte
	f := fold{Table: table.New()}
	for seq := range uint64(3) {
		b := batch(t, flow.Dot{Origin: 1, Seq: seq}, flow.ID{}, record("a", fmt.Sprint(seq), 1, 1))
		if seq < 2 {
			f.add(b)
		}
		encoded = append(encoded, b.Encode())
	}
	k := f.known(false)
	for _, test := range []struct {
		have [][]byte
		want bool
	}{{encoded, true}, {encoded[:2], true}, {encoded[1:], false}} {
		o, err := Of(&journal{batches: test.have}, noon, nil, &k.Digest)
		if err != nil || o.Agrees(k) != test.want {
			t.Errorf("with %d batches Agrees = %t, %v, want %t", len(test.have), o.Agrees(k), err, test.want)
		}
	}
	if got, want := k.Difference(k.View, digest.Of(flow.Dot{Origin: 1}), sums(k.View)), "are not in the journal"; !strings.Contains(got, want) {
		t.Errorf("Difference = %q, want %q", got, want)
	}
}

// The flows of a cold slice with many rows outside of its snapshot are not counted: its fold might not fit into memory (P12).
func TestALargeColdSliceNeedsNoFold(t *testing.T) {
	for rows, want := range map[int64]bool{countRows: false, countRows + 1: true} {
		o, k := Outline{Totals: totals.Totals{Flows: rows}}, Known{Sums: []totals.Totals{{Flows: 7}}}
		if got := o.Agrees(k); got != want {
			t.Errorf("with %d rows Agrees = %t, want %t", rows, got, want)
		}
	}
}

func BenchmarkOf(b *testing.B) {
	var records []flow.Record
	for i := range 5000 {
		records = append(records, record(fmt.Sprintf("application-%d", i%500), fmt.Sprintf("service-%d", i/500), int64(i), 1))
	}
	encoded := batch(b, flow.Dot{Origin: 1, Seq: 1}, flow.ID{}, records...).Encode()
	j := &journal{batches: [][]byte{encoded}}
	b.SetBytes(int64(len(encoded)))
	for b.Loop() {
		if _, err := Of(j, noon, nil, nil); err != nil {
			b.Fatal(err)
		}
	}
}
