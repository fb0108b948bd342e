package damage

import (
	"errors"

	"flowring/flow"
	"flowring/store/digest"
	"flowring/store/snapshot"
)

// Journal has the values of slices. Package store documents its methods.
type Journal interface {
	Dots(s flow.Slice, fn func(flow.Dot) error) error
	Load(s flow.Slice, fn func(batch []byte) error) error
	Get(s flow.Slice, d flow.Dot) ([]byte, error)
	Pieces(s flow.Slice, fn func(data []byte) error) error
}

// ByDot is a journal that loads each batch by its dot. A whole slice cannot be read past the damage in a file, even
// after the damaged batches were written again.
type ByDot struct{ Journal }

// Load calls fn with each batch of the slice, in the order of the dots, until fn fails.
func (j ByDot) Load(s flow.Slice, fn func(batch []byte) error) error {
	return j.Dots(s, func(dot flow.Dot) error {
		encoded, err := j.Get(s, dot)
		if err != nil {
			return err
		}
		return fn(encoded)
	})
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
	err = j.Dots(s, func(dot flow.Dot) error {
		_, err := j.Get(s, dot)
		if errors.Is(err, ErrUnreadable) {
			bad.Add(dot)
			return nil
		}
		return err
	})
	return bad, err
}
