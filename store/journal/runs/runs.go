package runs

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"flowring/flow"
	"flowring/store/digest"
	"flowring/store/journal/entry"
	"flowring/store/pack"
)

// Reader reads the batches of slices.
type Reader struct {
	Iterate func(prefix []byte, fn func(*pebble.Iterator) error) error // over the present keys with a prefix
	Get     func(key []byte) (payload []byte, err error)
}

// Dots calls fn with the dot of each batch of a slice, in order, until fn fails.
func (r Reader) Dots(s flow.Slice, fn func(flow.Dot) error) error {
	var dots digest.Digest
	err := r.Iterate(entry.SliceKey(entry.Dot, s), func(it *pebble.Iterator) error {
		for it.First(); it.Valid(); it.Next() {
			_, dot, err := entry.ParseBatch(it.Key())
			if err != nil {
				return err
			}
			dots.Add(dot)
		}
		return nil
	})
	if err == nil {
		err = r.each(s, func(_ []byte, run digest.Digest) error {
			addAll(&dots, run)
			return nil
		})
	}
	if err != nil {
		return err
	}
	for dot := range dots.Dots() {
		if err := fn(dot); err != nil {
			return err
		}
	}
	return nil
}

// each calls fn with the key of each run of a slice and its batches. fn must not retain the key.
func (r Reader) each(s flow.Slice, fn func(key []byte, run digest.Digest) error) error {
	return r.Iterate(entry.SliceKey(entry.Run, s), func(it *pebble.Iterator) error {
		for it.First(); it.Valid(); it.Next() {
			if err := use(it, fn); err != nil {
				return err
			}
		}
		return nil
	})
}

// use calls fn with the run at an iterator.
func use(it *pebble.Iterator, fn func(key []byte, run digest.Digest) error) error {
	if err := entry.CheckLen(it.Key()); err != nil {
		return err
	}
	return entry.Load(it, func(data []byte) error {
		run, err := digest.Parse(data)
		if err == nil && run.Count() > pack.MostBatches {
			err = fmt.Errorf("a run of %d batches", run.Count())
		}
		if err != nil {
			return fmt.Errorf("%w: %w", entry.ErrCorrupt, err)
		}
		return fn(it.Key(), run)
	})
}

// Load calls fn with the values of a slice, until fn fails. A value is a batch or a pack, and each batch comes once.
func (r Reader) Load(s flow.Slice, fn func(value []byte) error) error {
	var seen digest.Digest
	err := r.Iterate(entry.SliceKey(entry.Batch, s), func(it *pebble.Iterator) error {
		for it.First(); it.Valid(); it.Next() {
			_, dot, err := entry.ParseBatch(it.Key())
			if err != nil {
				return err
			}
			if err := entry.Load(it, fn); err != nil {
				return fmt.Errorf("batch %s of slice %s: %w", dot, s, err)
			}
			seen.Add(dot)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return r.loadPacks(s, &seen, fn)
}

// loadPacks calls fn with each pack of a slice, without the batches that are seen, and adds its batches to seen.
func (r Reader) loadPacks(s flow.Slice, seen *digest.Digest, fn func(value []byte) error) error {
	return r.Iterate(entry.SliceKey(entry.Run, s), func(runs *pebble.Iterator) (err error) {
		prefix := entry.SliceKey(entry.Pack, s)
		packs, err := runs.Clone(pebble.CloneOptions{ // of the same moment
			IterOptions: &pebble.IterOptions{LowerBound: prefix, UpperBound: entry.PrefixEnd(prefix)},
		})
		if err != nil {
			return entry.Translate(err)
		}
		defer func() { err = cmp.Or(err, entry.Translate(packs.Close())) }()
		packs.First()
		for runs.First(); runs.Valid(); runs.Next() {
			if err := loadPack(s, packs, runs, seen, fn); err != nil {
				return err
			}
			packs.Next()
		}
		return nil
	})
}

// loadPack calls fn with the pack at an iterator, of the run at the other one.
func loadPack(s flow.Slice, packs, runs *pebble.Iterator, seen *digest.Digest, fn func(value []byte) error) error {
	return use(runs, func(key []byte, run digest.Digest) error {
		if !packs.Valid() || !bytes.Equal(packs.Key()[1:], key[1:]) {
			return cmp.Or(entry.Translate(packs.Error()), missing(run))
		}
		err := entry.Load(packs, func(value []byte) error {
			value, err := without(value, run, *seen)
			if err != nil || value == nil {
				return err
			}
			return fn(value)
		})
		if err != nil {
			return fmt.Errorf("batches %s of slice %s: %w", run, s, err)
		}
		addAll(seen, run)
		return nil
	})
}

func missing(run digest.Digest) error {
	return fmt.Errorf("%w: the pack of %s is missing", entry.ErrCorrupt, run)
}

// without returns a pack with the batches of its run that are not seen yet; nil: none is left.
func without(value []byte, run, seen digest.Digest) ([]byte, error) {
	left := 0
	for dot := range run.Dots() {
		if !seen.Has(dot) {
			left++
		}
	}
	if left == pack.Count(value) {
		return value, nil
	}
	batches, err := pack.Parse(value)
	if err != nil || left == 0 {
		return nil, err
	}
	var kept []*flow.Batch
	for i := range batches {
		if dot := batches[i].Dot; run.Has(dot) && !seen.Has(dot) {
			kept = append(kept, &batches[i])
		}
	}
	return pack.Append(nil, kept), nil
}

// addAll adds the dots of a run.
func addAll(to *digest.Digest, run digest.Digest) {
	for dot := range run.Dots() {
		to.Add(dot)
	}
}

// Value returns a value with a batch, and perhaps with others. It fails with ErrNotFound if there is none.
func (r Reader) Value(s flow.Slice, d flow.Dot) ([]byte, error) {
	value, err := r.Get(entry.BatchKey(entry.Batch, s, d))
	if errors.Is(err, entry.ErrNotFound) {
		return r.packWith(s, d)
	}
	return value, err
}

// packWith returns a pack with a batch. It reads the runs that may reach to the batch. If one pack is unreadable,
// another one may have the batch.
func (r Reader) packWith(s flow.Slice, d flow.Dot) (value []byte, failed error) {
	failed = entry.ErrNotFound
	from := d
	from.Seq -= min(d.Seq, pack.MostBatches-1)
	err := r.Iterate(entry.SliceKey(entry.Run, s), func(it *pebble.Iterator) error {
		end := entry.PrefixEnd(entry.BatchKey(entry.Run, s, d))
		it.SeekGE(entry.BatchKey(entry.Run, s, from))
		for ; value == nil && it.Valid() && bytes.Compare(it.Key(), end) < 0; it.Next() {
			err := use(it, func(key []byte, run digest.Digest) error {
				if !run.Has(d) {
					return nil
				}
				if value, failed = r.Get(entry.WithKind(key, entry.Pack)); errors.Is(failed, entry.ErrNotFound) {
					failed = missing(run)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return value, failed
}

// With returns the runs of a slice with some of the dots.
func (r Reader) With(s flow.Slice, dots digest.Digest) (runs []Run, err error) {
	err = r.each(s, func(key []byte, run digest.Digest) error {
		if !run.Intersect(dots).Empty() {
			runs = append(runs, Run{entry.WithKind(key, entry.Pack), run})
		}
		return nil
	})
	return runs, err
}
