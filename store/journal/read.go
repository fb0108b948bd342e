package journal

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"flowring/flow"
	"flowring/store/journal/entry"
)

// Slices implements store.Journal. It seeks from slice to slice.
func (j *Journal) Slices() ([]flow.Slice, error) {
	var all []flow.Slice
	for _, kind := range [...]byte{entry.Dot, entry.Run, entry.Head} {
		err := j.eachSlice(kind, func(s flow.Slice, _ *pebble.Iterator) error {
			all = append(all, s)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("slices of journal: %w", err)
		}
	}
	slices.SortFunc(all, flow.Slice.Compare)
	return slices.Compact(all), nil
}

// eachSlice calls fn for each slice with keys of a kind, with the iterator at the first of them.
func (j *Journal) eachSlice(kind byte, fn func(flow.Slice, *pebble.Iterator) error) error {
	return j.iterate([]byte{kind}, func(it *pebble.Iterator) error {
		for it.First(); it.Valid(); {
			if err := entry.CheckLen(it.Key()); err != nil {
				return err
			}
			s := entry.SliceOf(it.Key())
			if err := fn(s, it); err != nil {
				return err
			}
			it.SeekGE(entry.PrefixEnd(entry.SliceKey(kind, s)))
		}
		return nil
	})
}

// Dots implements store.Journal.
func (j *Journal) Dots(s flow.Slice, fn func(flow.Dot) error) error { return j.runs().Dots(s, fn) }

// Load implements store.Journal. It returns an error of fn with the name of the batch, or of the batches of a pack.
func (j *Journal) Load(s flow.Slice, fn func(value []byte) error) error { return j.runs().Load(s, fn) }

// iterate calls fn with an iterator over the present keys with a prefix.
func (j *Journal) iterate(prefix []byte, fn func(*pebble.Iterator) error) error {
	if err := j.beginCall(); err != nil {
		return err
	}
	defer j.calls.Done()
	it, err := j.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: entry.PrefixEnd(prefix)})
	if err != nil {
		return entry.Translate(err)
	}
	return cmp.Or(fn(it), entry.Translate(it.Close())) // Close returns the error of the iteration
}

// Get implements store.Journal.
func (j *Journal) Get(s flow.Slice, d flow.Dot) ([]byte, error) {
	value, err := j.runs().Value(s, d)
	if err != nil {
		return nil, fmt.Errorf("batch %s of slice %s: %w", d, s, err)
	}
	return value, nil
}

// State returns the last value of a name, and nil without an error if SetState never set one.
func (j *Journal) State(name string) ([]byte, error) {
	value, err := j.get(entry.StateKey(name))
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("state %q: %w", name, err)
	}
	return value, nil
}

// SetState stores a value under a name. It returns nil after the fsync.
func (j *Journal) SetState(name string, value []byte) error {
	err := j.commit(pebble.Sync, func(b *pebble.Batch) error {
		entry.Set(b, entry.StateKey(name), value)
		return nil
	})
	if err != nil {
		return fmt.Errorf("set state %q: %w", name, err)
	}
	return nil
}

// get returns a copy of the payload under a key, never nil.
func (j *Journal) get(key []byte) ([]byte, error) {
	if err := j.beginCall(); err != nil {
		return nil, err
	}
	defer j.calls.Done()
	value, closer, err := j.db.Get(key)
	if err != nil {
		return nil, entry.Translate(err)
	}
	defer closer.Close()
	payload, err := entry.Unwrap(key, value)
	if err != nil {
		return nil, err
	}
	return append([]byte{}, payload...), nil
}
