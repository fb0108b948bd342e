package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/store/digest"
	"flowring/store/snapshot"
)

// ErrConflict is the error of two snapshots of a slice neither of which contains the other. Sealing excludes this,
// unless the cluster was split by force.
var ErrConflict = errors.New("snapshots made apart cannot be merged")

// Quiet returns, in order, the slices that got no batch for the given time and have at least the given number of
// batches outside of a snapshot. For a slice without a batch since Open, the time counts from Open.
func (s *Store) Quiet(quiet time.Duration, batches int) []flow.Slice {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []flow.Slice
	if s.journal == nil {
		return nil
	}
	for slice, e := range s.entries {
		idle := e.operation == nil && time.Since(e.changedAt) >= quiet
		if idle && (e.digestUnknown() || e.unsealed >= batches) && s.refuseExpired(slice.Hour) == nil {
			found = append(found, slice)
		}
	}
	slices.SortFunc(found, flow.Slice.Compare)
	return found
}

// Seal replaces the batches of the slice by a snapshot, if their digest is exactly d and at least the given number of
// them is not in a snapshot yet. It reports whether it did. The slice can be used meanwhile, except for a moment at
// the end. If it stays in use then, Seal leaves it as it is. Seal blocks for an fsync.
//
// The caller guarantees that d contains every snapshot of the slice at another store. Otherwise the two snapshots
// cannot be merged.
func (s *Store) Seal(slice flow.Slice, d digest.Digest, batches int) (bool, error) {
	e, err := s.pinLoaded(slice, false)
	if err != nil || e == nil {
		return false, err
	}
	reading := e.content.Read(slice.Hour)
	pairs, dots := e.content.Index.Pairs()
	s.releaseLoaded(e)
	// Reading and IDs both belong to d, because the set only grows and the IDs were copied last.
	if !reading.Digest().Equal(d) || !dots.Equal(d) || s.unsealed(e) < batches {
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
		s.counters.Sealed.Add(1)
		s.saveTotals(slice, reading.Totals(), d)
	}
	return err == nil, err
}

// Reclaim frees the disk space of the batches removed by Seal. It blocks until their files are rewritten or ctx ends.
func (s *Store) Reclaim(ctx context.Context, slice flow.Slice) error {
	return s.journal.Reclaim(ctx, slice)
}

// unsealed returns the number of batches outside of the snapshot.
func (s *Store) unsealed(e *entry) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.unsealed
}

// draft is an unfinished snapshot. A slice with a draft is not dropped.
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
	if _, err := s.find(slice, anyOperation); err != nil { // a drop in progress would remove the pieces
		return nil, err
	}
	s.drafts[slice]++
	return &draft{s: s, slice: slice, number: rand.Uint64()}, nil
}

func (d *draft) stage(data []byte) error {
	if d.s.isExpired(d.slice.Hour) {
		return contract.Expired
	}
	if err := d.s.journal.Stage(d.slice, d.number, d.pieces, data); err != nil {
		return err
	}
	d.pieces++
	return nil
}

// close ends the draft, and discards it unless it was adopted.
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

// adopt makes the draft the snapshot of the slice. same says that the content in memory has the snapshot. Otherwise the
// next use reads the journal.
func (d *draft) adopt(covers digest.Digest, same bool) error {
	s := d.s
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.find(d.slice, anyOperation)
	if err != nil {
		return err
	}
	if e == nil {
		e = &entry{slice: d.slice, changedAt: time.Now()}
		s.entries[d.slice] = e
	}
	err = s.whenUnpinned(e, func() error { return d.write(covers) })
	switch {
	case errors.Is(err, errInUse) || errors.Is(err, ErrConflict): // nothing was written
		return err
	case err != nil || !same: // the next use reads the journal
		s.reset(e)
	case !e.digestUnknown():
		e.unsealed = int(e.digest().Minus(covers).Count())
	}
	if err == nil {
		s.unreadable.Remove(s.log, d.slice, covers)
	}
	d.adopted = true // after an error perhaps; then the journal removes it at its next start
	return err
}

// write adopts the draft in the journal, unless the draft lacks a part of the present snapshot.
func (d *draft) write(covers digest.Digest) error {
	before, err := d.s.readHead(d.slice)
	if err != nil {
		return err
	}
	if before != nil && covers.Lacks(before.Digest) {
		return fmt.Errorf("slice %s: %w: only one of them has %s", d.slice, ErrConflict, before.Digest.Minus(covers))
	}
	head := snapshot.Head{Slice: d.slice, Pieces: d.pieces, Digest: covers}
	return d.s.journal.Adopt(d.slice, d.number, head.Encode(), covers)
}

// readHead returns the head of the snapshot of the slice, nil if it has none.
func (s *Store) readHead(slice flow.Slice) (*snapshot.Head, error) {
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
