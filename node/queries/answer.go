package queries

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/flow/query/merge"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/node/peer/wire"
	"flowring/store/aggregate"
	"flowring/store/digest"
	"flowring/store/table"
)

// maxRange bounds the range of hours of a call between nodes.
const maxRange = 1 << 20

// Digests returns the digests of the slices of a range in this store. It fails with contract.Expired if an hour of the
// range has expired, because it would say of this hour that the store holds nothing.
func (q *Queries) Digests(ctx context.Context, from, to flow.Hour) (d wire.Digests, err error) {
	if from >= to || hoursOf(from, to) > maxRange {
		return d, contract.Malformed.Errorf("a range from %d to %d", from, to)
	}
	d.Doubtful = q.Replicas.Recovering()
	held := map[flow.Slice]bool{}
	for _, slice := range q.Store.Slices() {
		if slice.Hour < from || slice.Hour >= to {
			continue
		}
		if ctx.Err() != nil {
			return d, context.Cause(ctx)
		}
		reply, err := q.Replicas.DigestReply(slice)
		if errors.Is(err, contract.Expired) && !q.expired(slice.Hour) { // erased a moment ago
			continue
		}
		if err != nil {
			return d, fmt.Errorf("digest of %s: %w", slice, err)
		}
		held[slice] = true
		d.Slices = append(d.Slices, wire.SliceDigest{
			Slice: slice, Digest: reply.Digest, TakingOver: reply.TakingOver, Doubtful: reply.Recovering,
		})
	}
	if !q.Replicas.Settled() {
		q.addTakingOver(&d, held, from, to)
	}
	if q.expired(from) { // perhaps since a moment ago
		return wire.Digests{}, contract.Expired
	}
	slices.SortFunc(d.Slices, func(a, b wire.SliceDigest) int { return a.Slice.Compare(b.Slice) })
	return d, nil
}

// addTakingOver adds the slices that this store takes over and does not hold yet.
func (q *Queries) addTakingOver(d *wire.Digests, held map[flow.Slice]bool, from, to flow.Hour) {
	for hour := from; hour < to; hour++ {
		for index := range q.Slices {
			slice := flow.Slice{Hour: hour, Index: uint32(index)}
			if !held[slice] && !q.Replicas.Expired(hour) && q.Replicas.TakingOver(slice) {
				d.Slices = append(d.Slices, wire.SliceDigest{Slice: slice, TakingOver: true, Doubtful: d.Doubtful})
			}
		}
	}
}

// Answer is the groups of this store for a query, ready to be sent.
type Answer struct {
	head   wire.QueryHead
	groups *aggregate.Groups
	ctx    context.Context
	q      *Queries
	once   sync.Once
	held   int64 // groups counted in Queries.groups
}

// Answer adds the slices of a call up. The caller closes the answer.
func (q *Queries) Answer(ctx context.Context, call *wire.QueryCall) (*Answer, error) {
	a := &Answer{ctx: ctx, q: q, groups: aggregate.New(call.Spec, q.MaxGroups)}
	q.counters.working.Add(1)
	if err := a.fold(call); err != nil {
		a.Close()
		if errors.Is(err, aggregate.ErrTooManyGroups) {
			q.counters.groups.Add(1)
			err = contract.QueryGroups.Errorf("the query has more than %d groups at one store (--max-groups-per-query)",
				q.MaxGroups)
		}
		return nil, err
	}
	return a, nil
}

// Close ends the work for the query.
func (a *Answer) Close() error {
	a.once.Do(func() {
		a.q.groups.Add(-a.held)
		a.q.counters.working.Add(-1)
	})
	return nil
}

// count counts the groups of the query, and refuses it if all queries here have twice as many as one may have (P12).
func (a *Answer) count() error {
	more := int64(a.groups.Len()) - a.held
	a.held += more
	if all := a.q.groups.Add(more); all > 2*int64(a.q.MaxGroups) {
		a.q.counters.overloads.Add(1)
		return contract.Busy.Errorf("the queries at this store have %d groups together", all)
	}
	return nil
}

// fold adds all slices up: the settled ones as this store holds them, and the others by rounds, which run meanwhile.
func (a *Answer) fold(call *wire.QueryCall) error {
	a.head.Slices = make([]wire.AnsweredSlice, len(call.Slices))
	rounds := newRounds(a.ctx, a.q.Replicas)
	defer rounds.stop()
	for i := range call.Slices {
		if !call.Slices[i].Settled {
			rounds.start(i, call.Slices[i].Slice)
		}
	}
	for i := range call.Slices {
		s := &call.Slices[i]
		if !s.Settled {
			continue
		}
		if a.ctx.Err() != nil {
			return context.Cause(a.ctx)
		}
		same, err := a.foldSettled(i, s)
		if err != nil {
			return err
		}
		if !same {
			rounds.start(i, s.Slice)
		}
		if err := a.count(); err != nil {
			return err
		}
	}
	for range rounds.started {
		round, err := rounds.next()
		if err != nil {
			return err
		}
		if err := errors.Join(a.foldRound(round), a.count()); err != nil {
			return err
		}
	}
	return nil
}

// foldSettled adds a slice up if its batches are those of the judged digest. The slice is loaded without a CPU slot.
func (a *Answer) foldSettled(i int, s *wire.QuerySlice) (same bool, err error) {
	a.q.counters.folded.Add(1)
	a.head.Slices[i] = wire.AnsweredSlice{Slice: s.Slice, Completeness: contract.Complete, Sum: s.Sum, Flows: -1}
	judged := func(shown digest.Digest) bool {
		return shown.Sum() == s.Sum || a.q.Disabled.Has(safeguard.QueryJudged)
	}
	if a.groups.TotalsSuffice() {
		t, shown, err := a.q.Store.Totals(s.Slice)
		if err != nil || !judged(shown) {
			return false, err
		}
		a.head.Slices[i].Flows = t.Flows
		return true, a.groups.AddTotals(s.Slice.Hour, t.Tx, t.Rx)
	}
	var waiting error
	var w *work
	same, err = a.q.Store.Fold(s.Slice, a.groups, func(shown digest.Digest) bool {
		if !judged(shown) {
			return false
		}
		w, waiting = a.begin()
		return waiting == nil
	})
	return same, cmp.Or(err, waiting, w.end())
}

// foldRound adds the reading of a round up.
func (a *Answer) foldRound(r *round) error {
	a.q.counters.rounds.Add(1)
	a.q.counters.folded.Add(1)
	a.head.Slices[r.index] = wire.AnsweredSlice{
		Slice: r.slice, Completeness: r.reading.Completeness, Sum: r.reading.Shown.Sum(), Flows: int64(r.reading.Len()),
	}
	a.head.Silent = append(a.head.Silent, r.reading.Silent...)
	slices.Sort(a.head.Silent)
	a.head.Silent = slices.Compact(a.head.Silent)
	return a.add(&r.reading.View, r.slice.Hour)
}

// add adds the flows of a reading up, in a CPU slot.
func (a *Answer) add(v *table.View, hour flow.Hour) error {
	w, err := a.begin()
	if err != nil {
		return err
	}
	err = a.groups.AddView(v, hour)
	return cmp.Or(err, w.end())
}

// source returns the groups in blocks, for this node itself.
func (a *Answer) source() merge.Source {
	return func(yield func([]query.Row, error) bool) {
		for block := range a.groups.Blocks(blockRows) {
			if err := context.Cause(a.ctx); err != nil {
				yield(nil, err)
				return
			}
			if !yield(block, nil) {
				return
			}
		}
	}
}

// WriteTo writes the answer in frames. It implements peer.QueryAnswer.
func (a *Answer) WriteTo(w io.Writer) (int64, error) {
	out := newFrameWriter(w)
	defer out.stop()
	out.write(wire.FrameHead, a.head.Append(nil))
	next, stop := iter.Pull(a.groups.Frames(a.q.FrameSize))
	defer stop()
	for out.failure() == nil {
		if err := a.q.CPUSlots.AcquireWithin(a.ctx); err != nil {
			return out.written, err
		}
		frame, more := next()
		a.q.CPUSlots.Release()
		if !more {
			break
		}
		out.write(wire.FrameGroups, frame)
	}
	return out.end()
}
