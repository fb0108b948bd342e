package store

import (
	"fmt"

	"flowring/flow"
	"flowring/store/digest"
	"flowring/store/totals"
)

// Totals returns the sums of all flows of a slice, and the digest of their batches: all or nothing of each batch (P11).
// Both are zero if the store does not have the slice. A cold slice is read only if its totals are neither in memory nor
// on disk.
func (s *Store) Totals(slice flow.Slice) (t totals.Totals, d digest.Digest, err error) {
	e, d, err := s.pinCold(slice)
	if err != nil {
		return t, d, fmt.Errorf("totals of slice %s: %w", slice, err)
	}
	if e.entry != nil {
		t, found, err := s.totalsOfCold(e, d)
		s.release(e.entry)
		if err != nil {
			return t, d, fmt.Errorf("totals of slice %s: %w", slice, err)
		}
		if found {
			return t, d, nil
		}
	}
	loaded, err := s.pinLoaded(slice, false)
	if err != nil || loaded == nil {
		return t, digest.Digest{}, err
	}
	defer s.releaseLoaded(loaded)
	t, d = loaded.content.Totals()
	return t, d, nil
}

// totalsOfCold returns the totals of a pinned cold slice with a digest: from memory, from disk, or from its snapshot.
// It reports false if the slice has to be loaded.
func (s *Store) totalsOfCold(e coldEntry, d digest.Digest) (t totals.Totals, found bool, err error) {
	if e.totals != nil {
		return *e.totals, true, nil
	}
	t, found = s.storedTotals(e.slice, d)
	if !found && e.sealed {
		err = s.foldSnapshot(e.slice, func(b *flow.Batch) error {
			t.AddBatch(b)
			return nil
		})
		if err != nil {
			return t, false, err
		}
		found = true
		s.saveTotals(e.slice, t, d)
	}
	if found {
		s.mu.Lock()
		defer s.mu.Unlock()
		if e.coldDigest != nil && e.coldDigest.Equal(d) {
			e.coldTotals = &t
		}
	}
	return t, found, nil
}

// storedTotals returns the totals on disk, if they are those of the batches of a digest. Damaged totals, and those of
// another version, count as missing, because they are derived from the batches.
func (s *Store) storedTotals(slice flow.Slice, d digest.Digest) (t totals.Totals, found bool) {
	data, err := s.journal.Totals(slice)
	if err != nil || data == nil {
		return t, false
	}
	t, of, err := totals.Parse(data)
	return t, err == nil && of == d.Sum()
}

// saveTotals writes the totals of the batches of a digest, unless the slice has left the store. It ignores failures:
// the next query without names then reads the slice.
func (s *Store) saveTotals(slice flow.Slice, t totals.Totals, d digest.Digest) {
	s.mu.Lock()
	e := s.entries[slice]
	if e == nil || e.operation != nil { // perhaps a drop
		s.mu.Unlock()
		return
	}
	e.pins++ // a pinned slice is not dropped
	s.mu.Unlock()
	_ = s.journal.SetTotals(slice, t.Encode(d.Sum()))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unpin(e)
}

// unlockAndWriteTotals unlocks Store.mu and writes the totals of the slices that left memory meanwhile. It runs when a
// user of a slice is done, because the totals must not be written under Store.mu.
func (s *Store) unlockAndWriteTotals() {
	for len(s.unwritten) > 0 {
		slice := s.unwritten[0]
		s.unwritten = s.unwritten[1:]
		if e := s.entries[slice]; e != nil && e.coldTotals != nil {
			t, d := *e.coldTotals, e.digest()
			s.mu.Unlock()
			s.saveTotals(slice, t, d)
			s.mu.Lock()
		}
	}
	s.unwritten = nil
	s.mu.Unlock()
}
