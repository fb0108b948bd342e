package journal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/store/digest"
	"flowring/store/journal/entry"
	"flowring/store/journal/runs"
)

// Stage implements store.Journal.
func (j *Journal) Stage(s flow.Slice, draft uint64, piece uint32, data []byte) error {
	err := j.commit(pebble.NoSync, func(b *pebble.Batch) error {
		entry.Set(b, entry.PieceKey(s, draft, piece), data)
		return nil
	})
	if err != nil {
		return fmt.Errorf("stage piece %d of a snapshot of slice %s: %w", piece, s, err)
	}
	return nil
}

// Adopt implements store.Journal. Its fsync covers the earlier writes of Stage, because the WAL is one sequence.
func (j *Journal) Adopt(s flow.Slice, draft uint64, head []byte, covers digest.Digest) error {
	before, _, err := j.head(s)
	found := !errors.Is(err, ErrNotFound)
	if err != nil && found {
		return fmt.Errorf("snapshot of slice %s: %w", s, err)
	}
	packed, err := j.runs().With(s, covers)
	if err != nil {
		return fmt.Errorf("packs of slice %s: %w", s, err)
	}
	err = j.commit(pebble.Sync, func(b *pebble.Batch) error {
		entry.Set(b, entry.SliceKey(entry.Head, s), append(binary.BigEndian.AppendUint64(nil, draft), head...))
		if found {
			if err := deletePrefix(b, entry.DraftPrefix(s, before)); err != nil {
				return err
			}
		}
		return errors.Join(deleteCovered(b, s, covers), runs.Remove(b, packed, covers))
	})
	if err != nil {
		return fmt.Errorf("adopt a snapshot of slice %s: %w", s, err)
	}
	return nil
}

// deleteCovered deletes the batches of the dots, one interval at a time.
func deleteCovered(b *pebble.Batch, s flow.Slice, dots digest.Digest) error {
	for first, last := range dots.Ranges() {
		for _, kind := range [...]byte{entry.Batch, entry.Dot} {
			end := entry.PrefixEnd(entry.BatchKey(kind, s, last))
			if err := b.DeleteRange(entry.BatchKey(kind, s, first), end, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// Reclaim implements store.Journal.
func (j *Journal) Reclaim(ctx context.Context, s flow.Slice) error {
	if err := j.beginCall(); err != nil {
		return err
	}
	defer j.calls.Done()
	for _, kind := range [...]byte{entry.Batch, entry.Dot, entry.Pack, entry.Run} {
		prefix := entry.SliceKey(kind, s)
		if err := j.db.Compact(ctx, prefix, entry.PrefixEnd(prefix), false); err != nil {
			return fmt.Errorf("reclaim the space of slice %s: %w", s, entry.Translate(err))
		}
	}
	return nil
}

// ReclaimBelow implements store.Journal.
func (j *Journal) ReclaimBelow(ctx context.Context, h flow.Hour) error {
	if err := j.beginCall(); err != nil {
		return err
	}
	defer j.calls.Done()
	for _, kind := range entry.SliceKinds {
		if err := j.db.Compact(ctx, []byte{kind}, entry.SliceKey(kind, flow.Slice{Hour: h}), false); err != nil {
			return fmt.Errorf("reclaim the space of the hours below %d: %w", h, entry.Translate(err))
		}
	}
	return nil
}

// Discard implements store.Journal.
func (j *Journal) Discard(s flow.Slice, draft uint64) error {
	err := j.commit(pebble.NoSync, func(b *pebble.Batch) error { return deletePrefix(b, entry.DraftPrefix(s, draft)) })
	if err != nil {
		return fmt.Errorf("discard a snapshot of slice %s: %w", s, err)
	}
	return nil
}

// Head implements store.Journal.
func (j *Journal) Head(s flow.Slice) ([]byte, error) {
	_, head, err := j.head(s)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("snapshot of slice %s: %w", s, err)
	}
	return head, nil
}

// head returns the draft and the head of the slice's snapshot.
func (j *Journal) head(s flow.Slice) (draft uint64, head []byte, err error) {
	value, err := j.get(entry.SliceKey(entry.Head, s))
	if err != nil {
		return 0, nil, err
	}
	if len(value) < 8 {
		return 0, nil, fmt.Errorf("%w: a head of %d bytes", ErrCorrupt, len(value))
	}
	return binary.BigEndian.Uint64(value), value[8:], nil
}

// SetTotals implements store.Journal.
func (j *Journal) SetTotals(s flow.Slice, totals []byte) error {
	if !compat.HourTotals.On(j.Version()) {
		return nil
	}
	err := j.commit(pebble.NoSync, func(b *pebble.Batch) error {
		entry.Set(b, entry.SliceKey(entry.Totals, s), totals)
		return nil
	})
	if err != nil {
		return fmt.Errorf("set totals of slice %s: %w", s, err)
	}
	return nil
}

// Totals implements store.Journal.
func (j *Journal) Totals(s flow.Slice) ([]byte, error) {
	value, err := j.get(entry.SliceKey(entry.Totals, s))
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("totals of slice %s: %w", s, err)
	}
	return value, nil
}

// Pieces implements store.Journal. It returns an error of fn with the number of the piece.
func (j *Journal) Pieces(s flow.Slice, fn func(data []byte) error) error {
	draft, _, err := j.head(s)
	if err != nil {
		return fmt.Errorf("snapshot of slice %s: %w", s, err)
	}
	return j.iterate(entry.DraftPrefix(s, draft), func(it *pebble.Iterator) error {
		for it.First(); it.Valid(); it.Next() {
			if err := entry.CheckLen(it.Key()); err != nil {
				return err
			}
			if err := entry.Load(it, fn); err != nil {
				piece := binary.BigEndian.Uint32(it.Key()[entry.DraftLen:])
				return fmt.Errorf("piece %d of the snapshot of slice %s: %w", piece, s, err)
			}
		}
		return nil
	})
}

// removeOrphanDrafts removes the drafts without a head, which a crash has left. It seeks from draft to draft.
func (j *Journal) removeOrphanDrafts() error {
	return j.iterate([]byte{entry.Piece}, func(it *pebble.Iterator) error {
		for it.First(); it.Valid(); {
			if err := entry.CheckLen(it.Key()); err != nil {
				return err
			}
			s, draft := entry.SliceOf(it.Key()), binary.BigEndian.Uint64(it.Key()[entry.SliceLen:])
			adopted, _, err := j.head(s)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return fmt.Errorf("snapshot of slice %s: %w", s, err)
			}
			if err != nil || draft != adopted {
				if err := j.Discard(s, draft); err != nil {
					return err
				}
			}
			it.SeekGE(entry.PrefixEnd(entry.DraftPrefix(s, draft)))
		}
		return nil
	})
}
