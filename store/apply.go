package store

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"flowring/flow"
)

// Apply makes batches durable and adds them to the totals, each once, however often and by whomever it is sent (P2): in one call too.
// What is held already, by its dot or its ID, is left as it is. Nothing of the batches is retained. It blocks for an fsync, one for
// all of them (for every ApplyAtOnce), which concurrent calls share as well, and before that for loads if slices are cold. It enforces
// no limits: those are the business of the node that admits a batch.
//
// The outcome of an error is unknown: batches may be in the journal, but those that are not in memory count for nothing yet, and applying
// all of them again is right.
func (s *Store) Apply(batches ...flow.Written) error { return s.apply(batches, false) }

// ApplyAtOnce is how many batches are in one write: their slices stay in memory meanwhile, whatever the budget says.
const ApplyAtOnce = 64

// apply is Apply. With dots set, a batch whose ID is held under another dot is written too, for its dot: by dots, stores find out what
// they lack.
func (s *Store) apply(batches []flow.Written, dots bool) error {
	for together := range slices.Chunk(inOrder(batches), ApplyAtOnce) {
		if err := s.applyTogether(together, dots); err != nil {
			return fmt.Errorf("apply %s: %w", nameOf(together), err)
		}
	}
	return nil
}

// inOrder returns the batches in the order of their slices, in which these are pinned, and each dot once.
func inOrder(batches []flow.Written) []flow.Written {
	ordered := slices.Clone(batches)
	slices.SortFunc(ordered, func(a, b flow.Written) int { return cmp.Or(a.Slice.Compare(b.Slice), compareDots(a.Dot, b.Dot)) })
	return slices.CompactFunc(ordered, func(a, b flow.Written) bool { return a.Slice == b.Slice && a.Dot == b.Dot })
}

func compareDots(a, b flow.Dot) int {
	return cmp.Or(cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Seq, b.Seq))
}

func nameOf(batches []flow.Written) string {
	name := fmt.Sprintf("batch %s of slice %s", batches[0].Dot, batches[0].Slice)
	if len(batches) > 1 {
		name += fmt.Sprintf(" and %d more", len(batches)-1)
	}
	return name
}

// applyTogether applies batches that are in order. It takes them for its own.
func (s *Store) applyTogether(batches []flow.Written, dots bool) error {
	uses, err := s.pinAll(batches)
	if err != nil {
		return err
	}
	defer s.releaseAll(uses)
	defer s.applying.lock(identitiesOf(batches))()
	fresh := s.pick(uses, batches[:0], dots)
	if len(fresh) == 0 {
		return nil
	}
	if s.journal != nil {
		if err := s.journal.Append(fresh...); err != nil {
			return err
		}
	}
	for i := range uses {
		s.fold(&uses[i])
	}
	return nil
}

// use is a pinned slice, and what is applied to it.
type use struct {
	*held
	batches []flow.Written
	applied int // of these
}

// pick leaves the uses only the batches that are to be written, and returns all of these, in to.
func (s *Store) pick(uses []use, to []flow.Written, dots bool) []flow.Written {
	for i := range uses {
		u, begin := &uses[i], len(to)
		for _, b := range u.batches {
			if u.content.marks.holds(b.Batch, !dots) {
				s.counters.known.Add(1)
			} else {
				to = append(to, b)
			}
		}
		u.batches = to[begin:]
	}
	return to
}

// fold adds the batches of a use, which are in the journal, to its totals.
func (s *Store) fold(u *use) {
	for _, b := range u.batches {
		s.counters.count(u.content.fold(b.Batch))
	}
	u.applied = len(u.batches)
}

// identitiesOf returns the identities of the batches, each once, in order.
func identitiesOf(batches []flow.Written) []identity {
	all := make([]identity, len(batches))
	for i, b := range batches {
		all[i] = identityOf(b.Batch)
	}
	slices.SortFunc(all, identity.compare)
	return slices.Compact(all)
}

func (i identity) compare(o identity) int {
	return cmp.Or(i.slice.Compare(o.slice), bytes.Compare(i.id[:], o.id[:]), compareDots(i.dot, o.dot))
}
