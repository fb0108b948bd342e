package store

import (
	"fmt"

	"flowring/flow"
	"flowring/store/aggregate"
	"flowring/store/digest"
	"flowring/store/snapshot"
	"flowring/store/totals"
)

// Fold adds the flows of a slice to the groups of a query, if accept agrees to the digest of these flows, and reports
// whether it did. The flows are those of a Reading: all or nothing of each batch (P11). Without the slice the digest is
// empty. A sealed cold slice stays cold, because its snapshot already has one row for each flow. Any other cold slice
// is loaded, because the totals of its batches may saturate only after they are added up (P14). For a query without
// names and filters the totals of the slice suffice.
//
// After an error the groups may hold a part of the slice, so the caller discards them. Batches that could not be read
// are recorded as unreadable, as Missing does.
func (s *Store) Fold(slice flow.Slice, g *aggregate.Groups, accept func(digest.Digest) bool) (folded bool, err error) {
	if folded, err = s.foldInto(g, slice, accept); err != nil {
		return false, fmt.Errorf("fold slice %s: %w", slice, err)
	}
	return folded, nil
}

func (s *Store) foldInto(g *aggregate.Groups, slice flow.Slice, accept func(digest.Digest) bool) (bool, error) {
	if g.TotalsSuffice() {
		t, d, err := s.Totals(slice)
		if err != nil || !accept(d) {
			return false, err
		}
		if t.Flows == 0 {
			return true, nil
		}
		return true, g.AddTotals(slice.Hour, t.Tx, t.Rx)
	}
	e, d, err := s.pinCold(slice)
	if err != nil {
		return false, err
	}
	if e.entry != nil {
		defer s.release(e.entry)
		if e.sealed {
			if !accept(d) {
				return false, nil
			}
			return true, s.foldSnapshot(slice, g.AddBatch)
		}
	}
	return s.foldWarm(g, slice, accept)
}

// foldWarm adds a warm slice to groups. It loads a cold one.
func (s *Store) foldWarm(g *aggregate.Groups, slice flow.Slice, accept func(digest.Digest) bool) (bool, error) {
	e, err := s.pinLoaded(slice, false)
	if err != nil {
		return false, err
	}
	if e == nil {
		return accept(digest.Digest{}), nil
	}
	defer s.releaseLoaded(e)
	for tries := 0; g.Filtered() && tries < selectTries; tries++ {
		v := e.content.Keys(slice.Hour)
		if d, ok := e.content.TotalsOf(v, g.Select(v)); ok {
			if !accept(d) {
				return false, nil
			}
			return true, g.AddSelected(v, slice.Hour)
		}
	}
	r := e.content.ReadInto(slice.Hour, g.Room(e.content.Table.Flows()))
	if !accept(r.Digest()) {
		return false, nil
	}
	return true, g.AddView(&r.View, slice.Hour)
}

// selectTries is the number of attempts to copy only the totals of the flows that count. An attempt fails if a batch
// with new flows arrives between the choice of the flows and the copy.
const selectTries = 3

// coldEntry is a pinned entry of a cold slice without unreadable batches.
type coldEntry struct {
	*entry                // nil: the slice is warm, is missing or has unreadable batches
	sealed bool           // its snapshot has all of its batches
	totals *totals.Totals // nil: not in memory
}

// pinCold pins the entry of a cold slice and returns its digest.
func (s *Store) pinCold(slice flow.Slice) (coldEntry, digest.Digest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.find(slice, anyOperation); err != nil { // a slice must not be pinned while it is being dropped
		return coldEntry{}, digest.Digest{}, err
	}
	e, err := s.findDigest(slice)
	if err != nil || e == nil || e.content != nil || !s.unreadable[slice].Empty() {
		return coldEntry{}, digest.Digest{}, err
	}
	e.pins++
	return coldEntry{e, e.unsealed == 0, e.coldTotals}, e.digest(), nil
}

// foldSnapshot calls fn with the flows of the snapshot of a pinned slice, piece by piece.
func (s *Store) foldSnapshot(slice flow.Slice, fn func(*flow.Batch) error) error {
	head, err := s.readHead(slice)
	if err != nil {
		return err
	}
	if head == nil {
		return fmt.Errorf("%w: the snapshot is missing", snapshot.ErrMalformed)
	}
	err = head.EachPiece(s.journal.Pieces, func(p snapshot.Piece) error {
		if p.Flows == nil {
			return nil
		}
		return fn(p.Flows)
	})
	s.noteIfUnreadable(slice, err, head.Digest)
	return err
}
