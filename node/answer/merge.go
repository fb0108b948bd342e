package answer

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"sync/atomic"
	"unsafe"

	"flowring/flow"
	"flowring/flow/prefix"
	"flowring/internal/contract"
	"flowring/node/peer"
	"flowring/router/admission"
)

// mergedAnswer is an hour of several slices. The slices come sorted, in parts, and are merged while they are written. A
// flow with totals in several slices is written once, with their sum.
type mergedAnswer struct {
	slices    []peer.Answer
	slots     admission.CPUSlots // for writing
	saturated *atomic.Int64      // totals cut to 2^63-1 (P14)
}

// Complete implements contract.Answer: an hour is as complete as its least complete slice.
func (a *mergedAnswer) Complete() contract.Completeness {
	least := contract.Complete
	for _, slice := range a.slices {
		least = min(least, slice.Complete())
	}
	return least
}

// Close implements io.Closer.
func (a *mergedAnswer) Close() error {
	var errs []error
	for _, slice := range a.slices {
		errs = append(errs, slice.Close())
	}
	return errors.Join(errs...)
}

// WriteTo implements io.WriterTo.
func (a *mergedAnswer) WriteTo(w io.Writer) (int64, error) {
	var cursors []*cursor
	defer func() {
		for _, s := range cursors {
			s.stop()
		}
	}()
	for _, slice := range a.slices {
		s := newCursor(slice)
		s.whole = slice.Whole()
		cursors = append(cursors, s)
		if err := s.next(); err != nil {
			return 0, err
		}
	}
	out := newJSONArrayWriter(w, a.slots, len(a.slices)*partFlows)
	a.slots.Acquire()
	defer a.slots.Release()
	if err := a.mergeAll(out, cursors); err != nil {
		return out.written, err
	}
	return out.end()
}

// mergeAll merges by ranks if all slices together have few names, and by prefixes otherwise.
func (a *mergedAnswer) mergeAll(out *jsonArrayWriter, cursors []*cursor) error {
	if names, ok := ranksOf(cursors); ok {
		return a.mergeRanked(out, names, cursors)
	}
	prefixers := prefixersOf(cursors)
	for _, s := range cursors {
		s.begin(prefixers)
	}
	return a.merge(out, newTournament(cursors))
}

func (a *mergedAnswer) mergeRanked(out *jsonArrayWriter, names []string, cursors []*cursor) error {
	m, err := newRankedMerge(names, cursors, a.saturated)
	if err != nil || len(m.runs) == 0 {
		return err
	}
	fetch := func(r *run) error { return a.withoutSlot(r.next) }
	texts, hour, merged := m.texts(), m.runs[0].part.Slice.Hour, new(sums)
	for {
		n, err := m.next(merged, fetch)
		if err != nil || n == 0 {
			return err
		}
		for i, key := range merged.keys[:n] {
			src, dest, vpc := texts[key>>(2*rankBits)], texts[key>>rankBits&maxRanked], texts[key&maxRanked]
			if err := out.addTexts(src, dest, vpc, merged.totals[i], hour); err != nil {
				return err
			}
		}
	}
}

func (a *mergedAnswer) merge(out *jsonArrayWriter, t *tournament) error {
	for s := t.least(); s.part != nil; {
		sum, at := s.record(), s.sortKey
		if err := a.advance(t); err != nil {
			return err
		}
		for s = t.least(); s.part != nil && s.matches(sum.Key, at); s = t.least() {
			a.add(&sum.Totals, s.part.Totals(s.at))
			if err := a.advance(t); err != nil {
				return err
			}
		}
		if err := out.add(sum); err != nil {
			return err
		}
	}
	return nil
}

// advance removes the least flow from the tournament. There must be one.
func (a *mergedAnswer) advance(t *tournament) error {
	s := t.least()
	before := s.sortKey
	var beyond flow.Key // of the flow before, if its prefixes are not all of its key
	if !before.exact() {
		beyond = s.part.FlowKey(s.at)
	}
	if s.at++; s.at < s.part.Len() {
		s.setKey()
	} else if err := a.withoutSlot(s.next); err != nil {
		return err
	}
	if s.part != nil && !s.isBehind(before, beyond) {
		return fmt.Errorf("a slice has %v out of order", s.part.FlowKey(s.at))
	}
	t.replay()
	return nil
}

// add adds the totals of a flow in another slice.
func (a *mergedAnswer) add(sum *flow.Totals, more flow.Totals) {
	added, saturated := sum.Add(more)
	if saturated {
		a.saturated.Add(1)
	}
	*sum = added
}

// withoutSlot releases the CPU slot while do runs, because do may wait for a store.
func (a *mergedAnswer) withoutSlot(do func() error) error {
	a.slots.Release()
	defer a.slots.Acquire()
	return do()
}

// cursor walks through the flows of one slice in order. It is at one flow, until none is left.
type cursor struct {
	pull      func() (*flow.Batch, error, bool)
	stop      func()
	prefixers prefixers
	whole     bool           // all parts share one table of names
	part      *flow.Batch    // the current part; nil: no flow is left
	table     *string        // of the names, if all parts share it
	begun     bool           // prefixers are set
	names     []namePrefixes // by number of a name in part
	at        int            // number of the current flow in part
	sortKey                  // of the current flow
}

// prefixers turn names into sortable 8-byte prefixes. Applications and VPCs have separate ones, because their names
// share no common prefix.
type prefixers struct {
	app, vpc prefix.Prefixer
}

// namePrefixes are the prefixes of one name, as an application and as a VPC.
type namePrefixes struct{ app, vpc uint64 }

// sortKey is a flow key in prefixes. Two flows of equal sort keys differ only beyond the prefixes, unless the key is
// exact.
type sortKey struct{ src, dest, vpc uint64 }

// exact reports whether the prefixes are the whole names.
func (k sortKey) exact() bool {
	return prefix.IsExact(k.src) && prefix.IsExact(k.dest) && prefix.IsExact(k.vpc)
}

func newCursor(slice peer.Answer) *cursor {
	s := new(cursor)
	s.pull, s.stop = iter.Pull2(slice.Parts())
	return s
}

// prefixersOf returns prefixers for names like those of the first parts.
func prefixersOf(cursors []*cursor) prefixers {
	var apps, vpcs []string
	for _, s := range cursors {
		if s.part == nil {
			continue
		}
		for _, i := range [...]int{0, s.part.Len() / 2, s.part.Len() - 1} {
			key := s.part.FlowKey(i)
			apps, vpcs = append(apps, key.SrcApp, key.DestApp), append(vpcs, key.VPCID)
		}
	}
	return prefixers{app: prefix.New(apps...), vpc: prefix.New(vpcs...)}
}

// next moves to the first flow of the next part.
func (s *cursor) next() error {
	part, err, more := s.pull()
	switch {
	case err != nil:
		return fmt.Errorf("a slice broke off: %w", err)
	case !more:
		s.part = nil
		return nil
	}
	s.part, s.at = part, 0
	if s.begun {
		s.setNames()
	}
	return nil
}

// begin computes the prefixes of the first part's names.
func (s *cursor) begin(o prefixers) {
	s.prefixers, s.begun = o, true
	if s.part != nil {
		s.setNames()
	}
}

// setNames computes the prefixes of the part's names, unless they are those of the part before.
func (s *cursor) setNames() {
	if s.isNewTable() {
		s.names = s.names[:0]
		for _, name := range s.part.Names {
			s.names = append(s.names, namePrefixes{s.prefixers.app.Prefix(name), s.prefixers.vpc.Prefix(name)})
		}
	}
	s.setKey()
}

// isNewTable reports whether the current part has other names than the part before.
func (s *cursor) isNewTable() bool {
	table := unsafe.SliceData(s.part.Names)
	if s.whole && s.table == table {
		return false
	}
	s.table = table
	return true
}

// isBehind reports whether the current flow sorts behind the flow before it, with the sort key k. The key matters
// only if k is not exact.
func (s *cursor) isBehind(k sortKey, key flow.Key) bool {
	switch {
	case !k.exact():
	case k.src != s.src: // where the two keys differ, their prefixes differ
		return k.src < s.src
	case k.dest != s.dest:
		return k.dest < s.dest
	default:
		return k.vpc < s.vpc
	}
	return key.Compare(s.part.FlowKey(s.at)) < 0
}

// setKey computes the sort key of the current flow.
func (s *cursor) setKey() {
	src, dest, vpc := s.names[s.part.Src[s.at]].app, s.names[s.part.Dest[s.at]].app, s.names[s.part.VPC[s.at]].vpc
	s.sortKey = sortKey{src, dest, vpc}
}

func (s *cursor) record() flow.Record {
	return flow.Record{Key: s.part.FlowKey(s.at), Totals: s.part.Totals(s.at), Hour: s.part.Slice.Hour}
}

// matches reports whether the current flow has this key, whose sort key is k.
func (s *cursor) matches(key flow.Key, k sortKey) bool {
	return s.sortKey == k && (k.exact() || s.part.FlowKey(s.at) == key)
}

// before reports whether the current flow sorts before that of o. A cursor at its end is behind all others.
func (s *cursor) before(o *cursor) bool {
	switch {
	case s.part == nil || o.part == nil:
		return s.part != nil
	case s.src != o.src:
		return s.src < o.src
	case s.dest != o.dest && prefix.IsExact(s.src): // the sources are the same
		return s.dest < o.dest
	case s.vpc != o.vpc && prefix.IsExact(s.src) && prefix.IsExact(s.dest): // and so are the destinations
		return s.vpc < o.vpc
	case s.sortKey == o.sortKey && s.exact(): // the same flow
		return false
	}
	return s.part.FlowKey(s.at).Compare(o.part.FlowKey(o.at)) < 0
}

// tournament finds the cursor with the least key in log2(n) comparisons: it is a tree of losers (Knuth, The Art of
// Computer Programming, volume 3, section 5.4.1).
type tournament struct {
	cursors []*cursor
	lost    []int // by match: its loser. Match i >= 1 is between the winners of 2i and 2i+1; numbers >= n are the cursors
	winner  int
}

// newTournament returns a tournament of at least one cursor.
func newTournament(cursors []*cursor) *tournament {
	t := &tournament{cursors: cursors, lost: make([]int, len(cursors))}
	t.winner = t.playMatch(1)
	return t
}

func (t *tournament) playMatch(match int) (winner int) {
	if match >= len(t.cursors) {
		return match - len(t.cursors)
	}
	a, b := t.playMatch(2*match), t.playMatch(2*match+1)
	if t.cursors[b].before(t.cursors[a]) {
		a, b = b, a
	}
	t.lost[match] = b
	return a
}

func (t *tournament) least() *cursor { return t.cursors[t.winner] }

// replay restores the order after the least cursor has moved.
func (t *tournament) replay() {
	winner := t.winner
	for match := (winner + len(t.cursors)) / 2; match > 0; match /= 2 {
		if other := t.lost[match]; t.cursors[other].before(t.cursors[winner]) {
			t.lost[match], winner = winner, other
		}
	}
	t.winner = winner
}
