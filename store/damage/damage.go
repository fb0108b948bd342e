package damage

import (
	"errors"

	"flowring/flow"
	"flowring/store/digest"
	"flowring/store/pack"
	"flowring/store/snapshot"
)

// Journal has the values of slices. Package store documents its methods.
type Journal interface {
	Dots(s flow.Slice, fn func(flow.Dot) error) error
	Load(s flow.Slice, fn func(value []byte) error) error
	Get(s flow.Slice, d flow.Dot) ([]byte, error)
	Pieces(s flow.Slice, fn func(data []byte) error) error
}

// Each calls fn with the values that have the given batches of a slice, until fn fails. take reports whether fn is to
// use a batch of the value: once. Each skips and returns the unreadable batches.
func Each(
	j Journal, s flow.Slice, dots digest.Digest, fn func(value []byte, take func(flow.Dot) bool) error,
) (bad digest.Digest, err error) {
	var taken digest.Digest
	take := func(d flow.Dot) bool { return dots.Has(d) && taken.Add(d) }
	for dot := range dots.Dots() {
		if taken.Has(dot) {
			continue
		}
		value, err := j.Get(s, dot)
		if errors.Is(err, ErrUnreadable) {
			bad.Add(dot)
			continue
		}
		if err != nil {
			return bad, err
		}
		if err := fn(value, take); err != nil {
			return bad, err
		}
	}
	return bad, nil
}

// ByDot is a journal that loads each batch by its dot. A whole slice cannot be read past the damage in a file, even
// after the damaged batches were written again.
type ByDot struct{ Journal }

// Load calls fn with the batches of the slice, each once, until fn fails.
func (j ByDot) Load(s flow.Slice, fn func(value []byte) error) error {
	bad, err := j.load(s, fn)
	if err == nil && !bad.Empty() {
		return &Error{bad}
	}
	return err
}

func (j ByDot) load(s flow.Slice, fn func(value []byte) error) (bad digest.Digest, err error) {
	var dots digest.Digest
	if err := j.Dots(s, func(dot flow.Dot) error { dots.Add(dot); return nil }); err != nil {
		return bad, err
	}
	to := pack.Sender{Packs: true, Send: fn}
	if bad, err = Each(j.Journal, s, dots, to.Value); err != nil {
		return bad, err
	}
	return bad, to.Flush()
}

// Find returns the unreadable batches of a slice: all of a damaged snapshot, and single ones. It reads the batches one
// by one, because a damaged file also has other batches. head is nil without a snapshot.
func Find(j Journal, s flow.Slice, head *snapshot.Head) (bad digest.Digest, err error) {
	if head != nil {
		if err := j.Pieces(s, func([]byte) error { return nil }); errors.Is(err, ErrUnreadable) {
			bad = head.Digest.Clone()
		} else if err != nil {
			return digest.Digest{}, err
		}
	}
	single, err := ByDot{j}.load(s, func([]byte) error { return nil })
	return bad.Union(single), err
}
