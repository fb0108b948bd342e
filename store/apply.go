package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/store/index"
	"flowring/store/pack"
)

// Apply makes batches durable and adds each of them once to the totals, however often and by whomever it is sent,
// also within one call (P2). It skips a batch whose dot or ID the store has, and retains nothing of the batches. It
// blocks for one fsync for every ApplyAtOnce batches, which concurrent calls share, and before that for the loads of
// cold slices. It enforces no limits, because the owner that admits a batch does (P12).
//
// The outcome of an error is unknown: batches may be in the journal, but none counts before it is in memory. The
// caller may apply all of them again.
func (s *Store) Apply(batches ...flow.Written) error { return s.apply(batches, false) }

// Holds reports whether the store has one of the batches: one with its ID or, for a batch without a Posting, its Key.
// It waits for an Apply of the same batch that is under way. It ignores expired slices, and loads cold ones.
func (s *Store) Holds(batches ...flow.Written) (bool, error) {
	for _, b := range batches {
		held, err := s.holds(b)
		if held || err != nil && !errors.Is(err, contract.Expired) {
			return held, err
		}
	}
	return false, nil
}

func (s *Store) holds(b flow.Written) (bool, error) {
	e, err := s.pinLoaded(b.Slice, false)
	if err != nil || e == nil {
		return false, err
	}
	defer s.releaseLoaded(e)
	defer s.applying.Lock(index.IdentitiesOf([]flow.Written{b}))()
	sameID, sameKey := e.content.Index.Lookup(b.Batch)
	return sameID || sameKey && b.Posting.IsZero(), nil
}

// ApplyAtOnce is the largest number of batches in one write. Their slices stay in memory during the write, in spite
// of the budget.
const ApplyAtOnce = 64

// apply is Apply. With dots set it also writes a batch whose ID the store has under another dot, because stores
// compare their contents by dots.
func (s *Store) apply(batches []flow.Written, dots bool) error {
	atOnce := ApplyAtOnce
	if dots {
		atOnce = pack.MostBatches // they are of one slice
	}
	for chunk := range slices.Chunk(inOrder(batches), atOnce) {
		if err := s.applyChunk(chunk, dots); err != nil {
			return fmt.Errorf("apply %s: %w", describe(chunk), err)
		}
	}
	return nil
}

// inOrder returns the batches in the order in which their slices are pinned, and each dot once.
func inOrder(batches []flow.Written) []flow.Written {
	ordered := slices.Clone(batches)
	slices.SortFunc(ordered,
		func(a, b flow.Written) int { return cmp.Or(a.Slice.Compare(b.Slice), index.CompareDots(a.Dot, b.Dot)) })
	return slices.CompactFunc(ordered, func(a, b flow.Written) bool { return a.Slice == b.Slice && a.Dot == b.Dot })
}

// describe names batches in an error.
func describe(batches []flow.Written) string {
	name := fmt.Sprintf("batch %s of slice %s", batches[0].Dot, batches[0].Slice)
	if len(batches) > 1 {
		name += fmt.Sprintf(" and %d more", len(batches)-1)
	}
	return name
}

// applyChunk applies batches in order. It takes ownership of the slice batches.
func (s *Store) applyChunk(batches []flow.Written, dots bool) error {
	pinned, err := s.pinAll(batches)
	if err != nil {
		return err
	}
	defer s.releaseAll(pinned)
	defer s.applying.Lock(index.IdentitiesOf(batches))()
	selected := s.selectNew(pinned, batches[:0], dots)
	if len(selected) == 0 {
		return nil
	}
	if s.journal != nil {
		if err := s.journal.Append(selected...); err != nil {
			return err
		}
	}
	for i := range pinned {
		s.fold(&pinned[i])
	}
	return nil
}

// pinnedSlice is a pinned entry with the batches for it.
type pinnedSlice struct {
	*entry
	batches []flow.Written
	applied int // number of applied batches
}

// selectNew reduces the batches of each pinned slice to the ones to write, and appends all of these to selected.
func (s *Store) selectNew(pinned []pinnedSlice, selected []flow.Written, dots bool) []flow.Written {
	for i := range pinned {
		p, begin := &pinned[i], len(selected)
		for _, b := range p.batches {
			if p.content.Index.Has(b.Batch, !dots) {
				s.counters.Known.Add(1)
			} else {
				selected = append(selected, b)
			}
		}
		p.batches = selected[begin:]
	}
	return selected
}

// fold adds the batches of a pinned slice, which are in the journal, to its totals.
func (s *Store) fold(p *pinnedSlice) {
	for _, b := range p.batches {
		s.counters.Batch(p.content.Fold(b.Batch))
	}
	p.applied = len(p.batches)
}
