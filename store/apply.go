package store

import (
	"fmt"

	"flowring/flow"
)

// Outcome is what an Apply did. Whatever it is, the batch is durable.
type Outcome int

// The outcomes of Apply.
const (
	Applied Outcome = iota + 1 // the batch is new: it is on disk and in the totals
	Same                       // its ID is held under another dot: it is on disk, the totals had it already
	Known                      // its dot is held: nothing was done
)

// String returns the outcome in lower case.
func (o Outcome) String() string {
	switch o {
	case Applied:
		return "applied"
	case Same:
		return "same"
	case Known:
		return "known"
	}
	return fmt.Sprintf("outcome %d", int(o))
}

// Apply makes the batch durable and adds it to the totals, once, however often and by whomever it is sent (P2). encoded is b's
// encoding; neither is retained. It blocks for an fsync, which concurrent calls share, and before that for a load if the slice
// is cold. It enforces no limits: those are the business of the node that admits a batch.
//
// The outcome of an error is unknown: the batch may be in the journal, but it is not in memory, and applying it again is right.
func (s *Store) Apply(b *flow.Batch, encoded []byte) (Outcome, error) {
	h, err := s.pinWarm(b.Slice, true)
	if err != nil {
		return 0, fmt.Errorf("apply batch %s: %w", b.Dot, err)
	}
	applied := 0
	defer func() { s.releaseApplied(h, applied) }()
	defer s.applying.lock(identityOf(b))()
	if h.content.marks.holds(b.Dot) {
		s.counters.known.Add(1)
		return Known, nil
	}
	if err := s.append(b, encoded); err != nil {
		return 0, fmt.Errorf("apply batch %s to slice %s: %w", b.Dot, b.Slice, err)
	}
	applied = 1
	outcome, saturated := h.content.fold(b)
	s.counters.count(outcome, saturated)
	return outcome, nil
}

func (s *Store) append(b *flow.Batch, encoded []byte) error {
	if s.journal == nil {
		return nil
	}
	return s.journal.Append(b.Slice, b.Dot, encoded)
}
