package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"flowring/flow"
	"flowring/store/digest"
)

// memJournal is a Journal in memory. Each hook, if set, runs before its call takes effect.
type memJournal struct {
	mu       sync.Mutex
	batches  map[flow.Slice]map[flow.Dot][]byte
	heads    map[flow.Slice]memHead
	drafts   map[flow.Slice]map[uint64][][]byte // pieces
	totals   map[flow.Slice][]byte
	loads    int
	appends  int
	onAppend func(flow.Dot) error
	onLoad   func() error
	onDrop   func() error
}

type memHead struct {
	draft uint64
	head  []byte
}

func newMemJournal() *memJournal {
	return &memJournal{
		batches: make(map[flow.Slice]map[flow.Dot][]byte),
		heads:   make(map[flow.Slice]memHead),
		drafts:  make(map[flow.Slice]map[uint64][][]byte),
		totals:  make(map[flow.Slice][]byte),
	}
}

func (j *memJournal) Append(batches ...flow.Written) error {
	for _, b := range batches {
		if j.onAppend == nil {
			break
		}
		if err := j.onAppend(b.Dot); err != nil {
			return err
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.appends++
	for _, b := range batches {
		if j.batches[b.Slice] == nil {
			j.batches[b.Slice] = make(map[flow.Dot][]byte)
		}
		j.batches[b.Slice][b.Dot] = slices.Clone(b.Bytes)
	}
	return nil
}

func (j *memJournal) Packs() bool { return false }

func (j *memJournal) Slices() ([]flow.Slice, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := slices.AppendSeq(slices.Collect(maps.Keys(j.batches)), maps.Keys(j.heads))
	slices.SortFunc(all, flow.Slice.Compare)
	return slices.Compact(all), nil
}

func (j *memJournal) dots(s flow.Slice) []flow.Dot {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.SortedFunc(maps.Keys(j.batches[s]), func(a, b flow.Dot) int {
		return cmp.Or(cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Seq, b.Seq))
	})
}

func (j *memJournal) Dots(s flow.Slice, fn func(flow.Dot) error) error {
	for _, d := range j.dots(s) {
		if err := fn(d); err != nil {
			return err
		}
	}
	return nil
}

func (j *memJournal) Load(s flow.Slice, fn func([]byte) error) error {
	if j.onLoad != nil {
		if err := j.onLoad(); err != nil {
			return err
		}
	}
	j.mu.Lock()
	j.loads++
	j.mu.Unlock()
	for _, d := range j.dots(s) {
		batch, err := j.Get(s, d)
		if err != nil {
			return err
		}
		if err := fn(batch); err != nil {
			return err
		}
	}
	return nil
}

func (j *memJournal) Get(s flow.Slice, d flow.Dot) ([]byte, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	batch, ok := j.batches[s][d]
	if !ok {
		return nil, fmt.Errorf("no batch %s", d)
	}
	return batch, nil
}

func (j *memJournal) Drop(s flow.Slice) error {
	if j.onDrop != nil {
		if err := j.onDrop(); err != nil {
			return err
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.batches, s)
	delete(j.heads, s)
	delete(j.drafts, s)
	delete(j.totals, s)
	return nil
}

func (j *memJournal) SetTotals(s flow.Slice, totals []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.totals[s] = slices.Clone(totals)
	return nil
}

func (j *memJournal) Totals(s flow.Slice) ([]byte, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.totals[s], nil
}

func (j *memJournal) Stage(s flow.Slice, draft uint64, piece uint32, data []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.drafts[s] == nil {
		j.drafts[s] = make(map[uint64][][]byte)
	}
	if int(piece) != len(j.drafts[s][draft]) {
		return fmt.Errorf("piece %d comes after %d pieces", piece, len(j.drafts[s][draft]))
	}
	j.drafts[s][draft] = append(j.drafts[s][draft], slices.Clone(data))
	return nil
}

func (j *memJournal) Adopt(s flow.Slice, draft uint64, head []byte, covers digest.Digest) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if before, ok := j.heads[s]; ok {
		delete(j.drafts[s], before.draft)
	}
	j.heads[s] = memHead{draft, slices.Clone(head)}
	maps.DeleteFunc(j.batches[s], func(d flow.Dot, _ []byte) bool { return covers.Has(d) })
	return nil
}

func (j *memJournal) DropBelow(h flow.Hour) error {
	if j.onDrop != nil {
		if err := j.onDrop(); err != nil {
			return err
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	below := func(s flow.Slice) bool { return s.Hour < h }
	maps.DeleteFunc(j.batches, func(s flow.Slice, _ map[flow.Dot][]byte) bool { return below(s) })
	maps.DeleteFunc(j.heads, func(s flow.Slice, _ memHead) bool { return below(s) })
	maps.DeleteFunc(j.drafts, func(s flow.Slice, _ map[uint64][][]byte) bool { return below(s) })
	maps.DeleteFunc(j.totals, func(s flow.Slice, _ []byte) bool { return below(s) })
	return nil
}

func (j *memJournal) ReclaimBelow(context.Context, flow.Hour) error { return nil }

func (j *memJournal) Reclaim(context.Context, flow.Slice) error { return nil }

func (j *memJournal) Discard(s flow.Slice, draft uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.drafts[s], draft)
	return nil
}

func (j *memJournal) Head(s flow.Slice) ([]byte, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.heads[s].head, nil
}

func (j *memJournal) Pieces(s flow.Slice, fn func([]byte) error) error {
	j.mu.Lock()
	pieces := j.drafts[s][j.heads[s].draft]
	j.mu.Unlock()
	for _, data := range pieces {
		if err := fn(data); err != nil {
			return err
		}
	}
	return nil
}

// noon is the slice of most tests.
var noon = flow.Slice{Hour: 12}

// batchOf returns a batch of the records. It sets their hour to the hour of the slice.
func batchOf(t testing.TB, s flow.Slice, dot flow.Dot, records ...flow.Record) *flow.Batch {
	t.Helper()
	for i := range records {
		records[i].Hour = s.Hour
	}
	p, err := flow.AddUp(records)
	if err != nil {
		t.Fatal(err)
	}
	b := p.Batches[0]
	b.Slice, b.Dot = s, dot
	return b
}

// record returns an observation of flow a -> b of the given bytes each way.
func record(src, dest string, tx, rx int64) flow.Record {
	return flow.Record{Key: flow.Key{SrcApp: src, DestApp: dest, VPCID: "vpc-0"}, Totals: flow.Totals{BytesTx: tx, BytesRx: rx}}
}

func dot(origin, seq uint64) flow.Dot { return flow.Dot{Origin: origin, Seq: seq} }

// written returns the batches with their encodings.
func written(batches ...*flow.Batch) []flow.Written {
	all := make([]flow.Written, len(batches))
	for i, b := range batches {
		all[i] = flow.Written{Batch: b, Bytes: b.Encode()}
	}
	return all
}

// apply applies batches as repair does: each dot is kept.
func apply(t testing.TB, s *Store, batches ...*flow.Batch) {
	t.Helper()
	if err := s.apply(written(batches...), true); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, s *Store, slice flow.Slice) *Reading {
	t.Helper()
	r, err := s.Read(slice)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// totalsByKey returns the totals of a reading by key.
func totalsByKey(r *Reading) map[flow.Key]flow.Totals {
	all := make(map[flow.Key]flow.Totals)
	for record := range r.Records() {
		all[record.Key] = record.Totals
	}
	return all
}

// opened returns an open store on the journal.
func opened(t testing.TB, j Journal, budget int64) *Store {
	t.Helper()
	s := New(Config{MemoryBudget: budget}, Deps{Journal: j})
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	return s
}
