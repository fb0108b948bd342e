package pack

import (
	"iter"

	"flowring/flow"
)

// Batches returns the batches of a value or of a frame, which is a pack or one batch.
func Batches(data []byte) ([]flow.Batch, error) {
	if Is(data) {
		return Parse(data)
	}
	b, err := flow.ParseBatch(data)
	if err != nil {
		return nil, err
	}
	return []flow.Batch{*b}, nil
}

// Written returns the batches of a frame with their encodings.
func Written(frame []byte) ([]flow.Written, error) {
	batches, err := Batches(frame)
	if err != nil {
		return nil, err
	}
	all := make([]flow.Written, len(batches))
	for i := range batches {
		all[i] = flow.Written{Batch: &batches[i], Bytes: frame}
		if Is(frame) {
			all[i].Bytes = batches[i].Encode()
		}
	}
	return all, nil
}

// run is successive batches that may share a pack.
type run struct {
	batches []*flow.Batch
	flows   int // of all batches
}

// mostRows bounds the flows of a run, because a look-up of one batch reads the whole pack.
const mostRows = 4096

// fits reports whether a batch goes on with the run.
func (r *run) fits(b *flow.Batch) bool {
	if len(r.batches) == 0 {
		return true
	}
	first, last := r.batches[0], r.batches[len(r.batches)-1]
	return b.Len() <= MostFlows && first.Len() <= MostFlows && r.flows+b.Len() <= mostRows &&
		first.Slice == b.Slice && first.Dot.Origin == b.Dot.Origin &&
		b.Dot.Seq > last.Dot.Seq && b.Dot.Seq-first.Dot.Seq < MostBatches
}

func (r *run) add(b *flow.Batch) {
	r.batches = append(r.batches, b)
	r.flows += b.Len()
}

func (r *run) clear() { r.batches, r.flows = r.batches[:0], 0 }

// Runs cuts batches into runs, in their order: the batches, and how many of them come before. A batch that goes with no
// other one is a run of its own. The memory of a run is used again.
func Runs(batches []flow.Written) iter.Seq2[int, []*flow.Batch] {
	return func(yield func(int, []*flow.Batch) bool) {
		r := run{batches: make([]*flow.Batch, 0, len(batches))}
		for i, w := range batches {
			if !r.fits(w.Batch) {
				if !yield(i-len(r.batches), r.batches) {
					return
				}
				r.clear()
			}
			r.add(w.Batch)
		}
		if len(r.batches) > 0 {
			yield(len(batches)-len(r.batches), r.batches)
		}
	}
}

// Folded is a negative control for tests: it adds the batches of each run up in the first one, without their IDs.
func Folded(batches []flow.Written) (folded []flow.Written) {
	for from, run := range Runs(batches) {
		if len(run) == 1 {
			folded = append(folded, batches[from])
			continue
		}
		var records []flow.Record
		for _, b := range run {
			for i := range b.Len() {
				records = append(records, flow.Record{Key: b.FlowKey(i), Totals: b.Totals(i), Hour: b.Slice.Hour})
			}
		}
		for _, b := range run {
			p, err := flow.AddUp(records)
			if err != nil { // an overflow
				return batches
			}
			sum := p.Batches[0]
			sum.Slice, sum.Dot = b.Slice, b.Dot
			folded = append(folded, flow.Written{Batch: sum, Bytes: sum.Encode()})
			records = []flow.Record{{Key: b.FlowKey(0), Hour: b.Slice.Hour}} // the others add nothing
		}
	}
	return folded
}

// Sender sends values of a journal as frames, and packs small batches that are in values of their own.
type Sender struct {
	Packs bool // the receiver reads packs
	Send  func(frame []byte) error

	run   run
	frame []byte // the last one
}

// Value sends the batches of a value that take takes. fn gets at most MostBatches batches in a frame.
func (s *Sender) Value(value []byte, take func(flow.Dot) bool) error {
	if !Is(value) && len(value) > smallValue || !s.Packs && !Is(value) {
		if err := s.Flush(); err != nil {
			return err
		}
		return s.whole(value, take)
	}
	batches, err := Batches(value)
	if err != nil {
		return err
	}
	for i := range batches {
		if !take(batches[i].Dot) {
			continue
		}
		if !s.Packs || !s.run.fits(&batches[i]) {
			if err := s.Flush(); err != nil {
				return err
			}
		}
		s.run.add(&batches[i])
	}
	return nil
}

// smallValue is the size of values that are looked into. Larger ones are sent as they are.
const smallValue = 8 << 10

// whole sends a value that is a batch.
func (s *Sender) whole(value []byte, take func(flow.Dot) bool) error {
	h, err := flow.ParseHeader(value)
	if err != nil || !take(h.Dot) {
		return err
	}
	return s.Send(value)
}

// Flush sends the batches that wait for more.
func (s *Sender) Flush() error {
	switch len(s.run.batches) {
	case 0:
		return nil
	case 1:
		s.frame = s.run.batches[0].Append(s.frame[:0])
	default:
		s.frame = Append(s.frame[:0], s.run.batches)
	}
	s.run.clear()
	return s.Send(s.frame)
}

// Count returns the number of batches of a value, from its head alone.
func Count(value []byte) int {
	if !Is(value) || len(value) < sumEnd+fixedLen {
		return 1
	}
	return int(value[sumEnd+fixedLen-1]) + 1
}
