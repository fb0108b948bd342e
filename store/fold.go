package store

import (
	"fmt"

	"flowring/flow"
	"flowring/store/aggregate"
	"flowring/store/digest"
	"flowring/store/snapshot"
)

// Fold adds the flows of a slice to the groups of a query, if accept agrees to the digest of these flows, and reports
// whether it did. The flows are those of a Reading: all or nothing of each batch (P11). Without the slice the digest is
// empty. A sealed cold slice stays cold, because its snapshot already has one row for each flow. Any other cold slice is
// loaded, because the totals of its batches may saturate only after they are added up (P14).
//
// After an error the groups may hold a part of the slice, so the caller discards them. Batches that could not be read
// are recorded as unreadable, as Missing does.
func (s *Store) Fold(slice flow.Slice, g *aggregate.Groups, accept func(digest.Digest) bool) (folded bool, err error) {
	folded, err = s.foldInto(g, slice, accept)
	if err != nil {
		return false, fmt.Errorf("fold slice %s: %w", slice, err)
	}
	return folded, nil
}

func (s *Store) foldInto(g *aggregate.Groups, slice flow.Slice, accept func(digest.Digest) bool) (bool, error) {
	e, d, err := s.pinSealed(slice)
	if err != nil {
		return false, err
	}
	if e != nil {
		defer s.release(e)
		if !accept(d) {
			return false, nil
		}
		return true, s.foldSnapshot(slice, g)
	}
	r, err := s.Read(slice)
	if err != nil || !accept(r.digest) {
		return false, err
	}
	return true, g.AddView(&r.View, slice.Hour)
}

// pinSealed pins the entry of a cold slice whose snapshot has all of its batches, and returns its digest. It returns
// nil for any other slice.
func (s *Store) pinSealed(slice flow.Slice) (*entry, digest.Digest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.journal == nil {
		return nil, digest.Digest{}, nil
	}
	if _, err := s.find(slice, anyOperation); err != nil { // a slice must not be pinned while it is being dropped
		return nil, digest.Digest{}, err
	}
	e, err := s.findDigest(slice)
	if err != nil || e == nil || e.content != nil || e.unsealed > 0 || !s.unreadable[slice].Empty() {
		return nil, digest.Digest{}, err
	}
	e.pins++
	return e, e.digest(), nil
}

// foldSnapshot adds the flows of the snapshot of a pinned slice to groups, piece by piece.
func (s *Store) foldSnapshot(slice flow.Slice, g *aggregate.Groups) error {
	head, err := s.readHead(slice)
	if err != nil {
		return err
	}
	if head == nil {
		return fmt.Errorf("%w: the snapshot is missing", snapshot.ErrMalformed)
	}
	err = s.eachPiece(head, func(p snapshot.Piece) error {
		if p.Flows == nil {
			return nil
		}
		return g.AddBatch(p.Flows)
	})
	s.noteIfUnreadable(slice, err, head.Digest)
	return err
}

// eachPiece calls fn with the pieces of a snapshot.
func (s *Store) eachPiece(head *snapshot.Head, fn func(snapshot.Piece) error) error {
	pieces := uint32(0)
	err := s.journal.Pieces(head.Slice, func(data []byte) error {
		p, err := snapshot.ParsePiece(head.Slice, data)
		if err != nil {
			return err
		}
		pieces++
		return fn(p)
	})
	if err == nil && pieces != head.Pieces {
		err = fmt.Errorf("%w: %d of %d pieces of the snapshot", snapshot.ErrMalformed, pieces, head.Pieces)
	}
	return err
}
