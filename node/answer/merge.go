package answer

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"sync/atomic"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/node/peer"
	"flowring/router/admission"
)

// mergedAnswer is an hour whose slices come from several owners, each sorted: they are merged as they stream, flow by flow, in memory
// that does not depend on the size of the hour. What a flow has in several of them is added up.
type mergedAnswer struct {
	slices    []peer.Answer
	slots     admission.CPUSlots // for writing
	saturated *atomic.Int64      // counts the totals that were cut to 2^63-1 (P14)
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
	var streams []*stream
	defer func() {
		for _, s := range streams {
			s.stop()
		}
	}()
	for _, slice := range a.slices {
		s := newStream(slice)
		streams = append(streams, s)
		if err := s.next(); err != nil {
			return 0, err
		}
	}
	orders := ordersOf(streams)
	for _, s := range streams {
		s.begin(orders)
	}
	array := newArray(w, a.slots, len(a.slices)*partFlows)
	a.slots.Acquire()
	defer a.slots.Release()
	if err := a.merge(array, newTournament(streams)); err != nil {
		return array.written, err
	}
	return array.end()
}

func (a *mergedAnswer) merge(array *array, t *tournament) error {
	for s := t.least(); s.part != nil; {
		sum, at := s.record(), s.head
		if err := a.goOn(t); err != nil {
			return err
		}
		for s = t.least(); s.part != nil && s.isAt(sum.Key, at); s = t.least() {
			a.add(&sum.Totals, s.part.Totals(s.at))
			if err := a.goOn(t); err != nil {
				return err
			}
		}
		if err := array.add(sum); err != nil {
			return err
		}
	}
	return nil
}

// goOn takes the least flow out of the tournament, of which there must be one.
func (a *mergedAnswer) goOn(t *tournament) error {
	s := t.least()
	if s.at++; s.at < s.part.Len() {
		s.look()
	} else if err := a.outOfTurn(s.next); err != nil {
		return err
	}
	t.replay()
	return nil
}

// add adds to the total of a flow what another slice has of it.
func (a *mergedAnswer) add(sum *flow.Totals, more flow.Totals) {
	added, saturated := sum.Add(more)
	if saturated {
		a.saturated.Add(1)
	}
	*sum = added
}

// outOfTurn does what may wait for a store.
func (a *mergedAnswer) outOfTurn(do func() error) error {
	a.slots.Release()
	defer a.slots.Acquire()
	return do()
}

// stream is one slice's flows, of which the first that is left is at hand.
type stream struct {
	pull   func() (*flow.Batch, error, bool)
	stop   func()
	orders orders
	part   *flow.Batch // nil: none is left
	words  []words     // of the names of part
	at     int         // in part
	head               // of the flow at hand
}

// orders are what makes words of names: VPCs have little in common with applications.
type orders struct{ app, vpc flow.Prefixer }

// words are those of a name, as that of an application and as that of a VPC.
type words struct{ app, vpc uint64 }

// head is a flow by the words of its names.
type head struct{ src, dest, vpc uint64 }

// tells reports whether the words tell which flow it is, without a look at the names.
func (h head) tells() bool { return flow.IsExact(h.src) && flow.IsExact(h.dest) && flow.IsExact(h.vpc) }

func newStream(slice peer.Answer) *stream {
	s := new(stream)
	s.pull, s.stop = iter.Pull2(slice.Parts())
	return s
}

// ordersOf returns orders that suit what comes first in the streams.
func ordersOf(streams []*stream) orders {
	var apps, vpcs []string
	for _, s := range streams {
		if s.part == nil {
			continue
		}
		for _, i := range [...]int{0, s.part.Len() / 2, s.part.Len() - 1} {
			key := s.part.FlowKey(i)
			apps, vpcs = append(apps, key.SrcApp, key.DestApp), append(vpcs, key.VPCID)
		}
	}
	return orders{flow.NewPrefixer(apps...), flow.NewPrefixer(vpcs...)}
}

// next goes on to the next part, if there is one, and its first flow.
func (s *stream) next() error {
	part, err, more := s.pull()
	switch {
	case err != nil:
		return fmt.Errorf("a slice broke off: %w", err)
	case !more:
		s.part = nil
		return nil
	}
	before := s.part
	s.part, s.at = part, 0
	if before != nil && before.FlowKey(before.Len()-1).Compare(part.FlowKey(0)) >= 0 {
		return fmt.Errorf("a slice has %v behind %v", part.FlowKey(0), before.FlowKey(before.Len()-1))
	}
	s.begin(s.orders)
	return nil
}

// begin makes words of the names of the part.
func (s *stream) begin(o orders) {
	if s.orders = o; s.part == nil {
		return
	}
	s.words = s.words[:0]
	for _, name := range s.part.Names {
		s.words = append(s.words, words{o.app.Prefix(name), o.vpc.Prefix(name)})
	}
	s.look()
}

// look notes what the flow at hand is compared by.
func (s *stream) look() {
	s.head = head{s.words[s.part.Src[s.at]].app, s.words[s.part.Dest[s.at]].app, s.words[s.part.VPC[s.at]].vpc}
}

func (s *stream) record() flow.Record {
	return flow.Record{Key: s.part.FlowKey(s.at), Totals: s.part.Totals(s.at), Hour: s.part.Slice.Hour}
}

// isAt reports whether the flow at hand is the one with a key, which has these words.
func (s *stream) isAt(key flow.Key, h head) bool {
	return s.head == h && (h.tells() || s.part.FlowKey(s.at) == key)
}

// before reports whether the flow at hand is to be written before that of o. What has none is behind all others.
func (s *stream) before(o *stream) bool {
	switch {
	case s.part == nil || o.part == nil:
		return s.part != nil
	case s.src != o.src:
		return s.src < o.src
	case s.dest != o.dest && flow.IsExact(s.src): // the sources are the same
		return s.dest < o.dest
	case s.vpc != o.vpc && flow.IsExact(s.src) && flow.IsExact(s.dest): // and so are the destinations
		return s.vpc < o.vpc
	case s.head == o.head && s.tells(): // the same flow
		return false
	}
	return s.part.FlowKey(s.at).Compare(o.part.FlowKey(o.at)) < 0
}

// tournament finds the stream with the least key, again and again, with as many comparisons as the number of streams has bits: it
// remembers who lost each match. (Knuth, The Art of Computer Programming, volume 3, section 5.4.1, a tree of losers.)
type tournament struct {
	streams []*stream
	lost    []int // by match, from 1: the stream that lost it. Match i is between the winners of 2i and 2i+1; behind the matches come streams
	winner  int
}

// newTournament returns a tournament of at least one stream.
func newTournament(streams []*stream) *tournament {
	t := &tournament{streams: streams, lost: make([]int, len(streams))}
	t.winner = t.play(1)
	return t
}

func (t *tournament) play(match int) (winner int) {
	if match >= len(t.streams) {
		return match - len(t.streams)
	}
	a, b := t.play(2*match), t.play(2*match+1)
	if t.streams[b].before(t.streams[a]) {
		a, b = b, a
	}
	t.lost[match] = b
	return a
}

func (t *tournament) least() *stream { return t.streams[t.winner] }

// replay finds the least once it has gone on to another flow.
func (t *tournament) replay() {
	winner := t.winner
	for match := (winner + len(t.streams)) / 2; match > 0; match /= 2 {
		if other := t.lost[match]; t.streams[other].before(t.streams[winner]) {
			t.lost[match], winner = winner, other
		}
	}
	t.winner = winner
}
