package ingest

import (
	"math"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"flowring/flow"
)

// TestABodyEqualsItsRecords compares the posting of a body with the records that Map emits for each row.
func TestABodyEqualsItsRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, want := engine(), map[flow.Record]flow.Totals{}
		b := e.NewBody(0)
		for range rapid.IntRange(0, 20).Draw(t, "records") {
			r := anyRecord(t)
			r.Tx, r.Rx, r.Rate = r.Tx>>12, r.Rx>>12, min(r.Rate, 50) // sums stay below 2^63
			var c Counts
			e.Map(&r, &c, func(f flow.Record) {
				id := flow.Record{Key: f.Key, Hour: f.Hour}
				want[id], _ = want[id].Add(f.Totals)
			})
			b.Add(&r)
		}
		p, _ := b.Posting()
		got := map[flow.Record]flow.Totals{}
		for _, batch := range p.Batches {
			for i := range batch.Len() {
				got[flow.Record{Key: batch.FlowKey(i), Hour: batch.Slice.Hour}] = batch.Totals(i)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%d flows, want %d", len(got), len(want))
		}
		for id, sum := range want {
			if got[id] != sum {
				t.Fatalf("%+v = %+v, want %+v", id, got[id], sum)
			}
		}
	})
}

func TestTheHashOfABodyCoversItsRecordsThatAreSetAside(t *testing.T) {
	kept := Record{Src: addr("10.0.0.1"), Dest: addr("10.0.0.2"), Tx: 9, MadeAt: AtSender, End: 1}
	doubled := Record{Src: addr("10.0.0.1"), Dest: addr("10.0.0.2"), Tx: 9, MadeAt: AtReceiver, End: 1}
	other := doubled
	other.Tx++
	hash := func(fill func(*Body)) [32]byte {
		b := engine().NewBody(0)
		b.Add(&kept)
		fill(b)
		p, content := b.Posting()
		if len(p.Batches) != 1 || p.Batches[0].Tx[0] != 9 {
			t.Fatalf("posting of one kept record = %+v", p)
		}
		return content
	}
	bodies := [][32]byte{
		hash(func(*Body) {}),
		hash(func(b *Body) { b.Add(&doubled) }),
		hash(func(b *Body) { b.Add(&other) }),
		hash(func(b *Body) { b.SetAside(NoData, 0) }),
		hash(func(b *Body) { b.SetAside(NoData, 1) }),
		hash(func(b *Body) { b.SetAside(Malformed, 0) }),
	}
	for i := range bodies {
		for j := range i {
			if bodies[i] == bodies[j] {
				t.Errorf("bodies %d and %d have one hash", i, j)
			}
		}
	}
	if hash(func(b *Body) { b.Add(&doubled) }) != bodies[1] {
		t.Error("one body has two hashes")
	}
}

func TestTheSumOfABodyNeverOverflows(t *testing.T) {
	b := engine().NewBody(0)
	r := Record{Src: addr("10.0.0.1"), Dest: addr("10.0.0.2"), Tx: math.MaxInt64, End: 1}
	if why := b.Add(&r); why != Kept {
		t.Fatalf("first record = %s", why)
	}
	r.Tx = 1
	if why := b.Add(&r); why != TooLarge || b.Counts.Aside[TooLarge] != (Sum{1, 1}) {
		t.Errorf("second record = %s, %+v, want too-large", why, b.Counts.Aside[TooLarge])
	}
	if p, _ := b.Posting(); p.Batches[0].Tx[0] != math.MaxInt64 {
		t.Errorf("sum = %d", p.Batches[0].Tx[0])
	}
}

// FuzzMap holds any record to the invariants of the package.
func FuzzMap(f *testing.F) {
	f.Add(uint64(100), uint64(0), uint64(1), int64(0), int64(2*hour), "10.0.0.1", "10.0.0.2", uint8(1))
	f.Add(uint64(math.MaxUint64), uint64(1), uint64(2), int64(math.MinInt64), int64(math.MaxInt64), "a", "\xff", uint8(2))
	f.Fuzz(func(t *testing.T, tx, rx, rate uint64, start, end int64, src, dest string, at uint8) {
		r := Record{Src: End{Name: src}, Dest: End{Name: dest}, Tx: tx, Rx: rx, Rate: rate, Start: start, End: end, MadeAt: MadeAt(at % 4)}
		if a, err := netip.ParseAddr(src); err == nil {
			r.Src = End{Addr: a}
		}
		out, c, why := run(engine(), r)
		var sum uint64
		for _, o := range out {
			sum += uint64(o.BytesTx) + uint64(o.BytesRx)
		}
		if why != Kept && len(out) > 0 || why == Kept && sum != c.Kept.Bytes || c.Kept.Bytes+c.Aside[why].Bytes != c.Received.Bytes {
			t.Fatalf("%+v: %s, emitted %d records with %d bytes, counts %+v", r, why, len(out), sum, c)
		}
		b := engine().NewBody(1)
		b.Add(&r)
		b.Posting()
	})
}
