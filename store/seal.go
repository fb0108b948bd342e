package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"flowring/flow"
	"flowring/store/digest"
	"flowring/store/snapshot"
)

// ErrConflict says that of two snapshots of a slice neither holds all of the other: they cannot be made one. Sealing excludes it,
// unless the cluster was split by force.
var ErrConflict = errors.New("snapshots made apart cannot be merged")

// Quiet returns the slices that got no batch for a while and have at least so many that are not in a snapshot, in order. For
// slices not used since Open, the while counts from then.
func (s *Store) Quiet(while time.Duration, batches int) []flow.Slice {
	s.mu.Lock()
	defer s.mu.Unlock()
	var quiet []flow.Slice
	if s.journal == nil {
		return nil
	}
	for slice, h := range s.held {
		if h.busy == nil && time.Since(h.changed) >= while && (h.unread() || h.loose >= batches) {
			quiet = append(quiet, slice)
		}
	}
	slices.SortFunc(quiet, flow.Slice.Compare)
	return quiet
}

// Seal puts a snapshot in the place of the slice's batches, if their digest is exactly d and at least so many of them are not in
// one yet. It reports whether it did. Others use the slice meanwhile, but for a moment at the end; if it is in use then, it stays
// as it is. It blocks for an fsync.
//
// Who seals must know that d holds whatever any other store has in a snapshot of the slice: else the two cannot be merged.
func (s *Store) Seal(slice flow.Slice, d digest.Digest, batches int) (bool, error) {
	h, err := s.pinWarm(slice, false)
	if err != nil || h == nil {
		return false, err
	}
	reading := h.content.read(slice.Hour)
	pairs, held := h.content.marks.pairs()
	s.releaseWarm(h)
	// Both are of d alone: the set only grows, and the pairs were copied last.
	if !reading.digest.Equal(d) || !held.Equal(d) || s.loose(h) < batches {
		return false, nil
	}
	dr, err := s.newDraft(slice)
	if err != nil {
		return false, err
	}
	defer dr.close()
	for part := range slices.Chunk(pairs, snapshot.IDsPerPiece) {
		if err := dr.stage(snapshot.EncodeIDs(part)); err != nil {
			return false, err
		}
	}
	for part := range reading.Parts(slice, snapshot.FlowsPerPiece) {
		if err := dr.stage(part.Encode()); err != nil {
			return false, err
		}
	}
	err = dr.adopt(d, true)
	if errors.Is(err, errInUse) {
		return false, nil
	}
	if err == nil {
		s.counters.sealed.Add(1)
	}
	return err == nil, err
}

// Reclaim gives back the disk space of what Seal removed of a slice. It blocks until that was rewritten, or ctx ends.
func (s *Store) Reclaim(ctx context.Context, slice flow.Slice) error {
	return s.journal.Reclaim(ctx, slice)
}

// loose returns how many batches are not in a snapshot.
func (s *Store) loose(h *held) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return h.loose
}

// draft is a snapshot that is being written. While there is one of a slice, that is not dropped.
type draft struct {
	s       *Store
	slice   flow.Slice
	number  uint64
	pieces  uint32
	adopted bool
}

func (s *Store) newDraft(slice flow.Slice) (*draft, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.find(slice, always); err != nil { // a drop under way would remove the pieces
		return nil, err
	}
	s.drafts[slice]++
	return &draft{s: s, slice: slice, number: rand.Uint64()}, nil
}

func (d *draft) stage(data []byte) error {
	if err := d.s.journal.Stage(d.slice, d.number, d.pieces, data); err != nil {
		return err
	}
	d.pieces++
	return nil
}

// close ends the draft, and removes it unless it was adopted.
func (d *draft) close() {
	if !d.adopted {
		if err := d.s.journal.Discard(d.slice, d.number); err != nil {
			d.s.log.Warn("discard a snapshot", "slice", d.slice, "error", err)
		}
	}
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	if d.s.drafts[d.slice]--; d.s.drafts[d.slice] == 0 {
		delete(d.s.drafts, d.slice)
	}
}

// adopt makes the draft the slice's snapshot. With same set, memory has what the snapshot says; else it must be read anew.
func (d *draft) adopt(covers digest.Digest, same bool) error {
	s := d.s
	s.mu.Lock()
	defer s.mu.Unlock()
	h, err := s.find(d.slice, always)
	if err != nil {
		return err
	}
	if h == nil {
		h = &held{slice: d.slice, changed: time.Now()}
		s.held[d.slice] = h
	}
	err = s.alone(h, func() error { return d.write(covers) })
	switch {
	case errors.Is(err, errInUse) || errors.Is(err, ErrConflict): // nothing was written
		return err
	case err != nil || !same: // what is true now is read from the journal
		s.chill(h)
	case !h.unread():
		h.loose = int(h.digest().Minus(covers).Count())
	}
	if err == nil {
		s.noteRepair(d.slice, covers)
	}
	d.adopted = true // or may be: then it is left for the journal to sweep
	return err
}

// write adopts the draft in the journal, if it holds all of the snapshot that is there.
func (d *draft) write(covers digest.Digest) error {
	before, err := d.s.sealed(d.slice)
	if err != nil {
		return err
	}
	if before != nil && covers.Lacks(before.Digest) {
		return fmt.Errorf("slice %s: %w: %s is in one of them alone", d.slice, ErrConflict, before.Digest.Minus(covers))
	}
	head := snapshot.Head{Slice: d.slice, Pieces: d.pieces, Digest: covers}
	return d.s.journal.Adopt(d.slice, d.number, head.Encode(), covers)
}

// sealed returns the head of the slice's snapshot, nil if it has none.
func (s *Store) sealed(slice flow.Slice) (*snapshot.Head, error) {
	data, err := s.journal.Head(slice)
	if err != nil || data == nil {
		return nil, err
	}
	head, err := snapshot.ParseHead(data)
	if err == nil && head.Slice != slice {
		err = fmt.Errorf("%w: it is of %s", snapshot.ErrMalformed, head.Slice)
	}
	if err != nil {
		return nil, fmt.Errorf("snapshot of slice %s: %w", slice, err)
	}
	return head, nil
}
