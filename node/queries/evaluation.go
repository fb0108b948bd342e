package queries

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"time"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/flow/query/merge"
	"flowring/internal/contract"
	"flowring/node/peer"
	"flowring/node/peer/wire"
	"flowring/ring/roster"
)

// evaluation is one query at the node asked. It holds a slot of the node until Close.
type evaluation struct {
	q       *Queries
	spec    *query.Spec
	ask     contract.Ask
	ctx     context.Context
	cancel  context.CancelCauseFunc
	timeout *time.Timer // until the first row

	from   *flow.Hour   // the first hour, if others of the range have expired; nil: none has
	erased roster.Marks // of hours of the range, which the answer leaves out
	survey *survey
	slices map[flow.Slice]*result // all slices with batches
	silent map[string]bool        // labels of silent stores
	least  contract.Completeness
	tag    contract.Tag
	known  bool // the reader has the answer: no store adds anything up

	failed      map[roster.StoreID]bool // stores whose call failed before its head
	unavailable contract.UnavailableError
	streams     []*groupStream
	closing     sync.Once
}

// result is a slice as it counts in the answer.
type result struct {
	completeness contract.Completeness
	sum          [16]byte // of the digest of its batches
	flows        int64    // -1: no store has added it up
}

func newEvaluation(ctx context.Context, q *Queries, spec *query.Spec, ask contract.Ask) *evaluation {
	e := &evaluation{
		q: q, spec: spec, ask: ask, least: contract.Complete,
		slices: map[flow.Slice]*result{}, silent: map[string]bool{}, failed: map[roster.StoreID]bool{},
		unavailable: contract.UnavailableError{Reason: "no store of the hours answered"},
	}
	e.ctx, e.cancel = context.WithCancelCause(ctx)
	e.timeout = time.AfterFunc(q.Timeout, func() { e.cancel(errTimeout) })
	q.counters.asked.Add(1)
	return e
}

// Close ends the work for the query at all nodes.
func (e *evaluation) Close() error {
	var errs []error
	e.closing.Do(func() {
		e.timeout.Stop()
		e.cancel(context.Canceled)
		for _, s := range e.streams {
			errs = append(errs, s.Close())
		}
		e.q.counters.asked.Add(-1)
		<-e.q.slots
	})
	return errors.Join(errs...)
}

// cause returns the error for the reader.
func (e *evaluation) cause(err error) error {
	if errors.Is(context.Cause(e.ctx), errTimeout) {
		e.q.counters.timedOut.Add(1)
		return contract.Timeout.Errorf("the query took longer than %v (--query-timeout)", e.q.Timeout)
	}
	return err
}

// open judges all slices and opens the streams of groups. It fails if the answer is less complete than needed.
func (e *evaluation) open() (err error) {
	if e.survey, err = e.q.surveyOf(e.ctx, e.spec.From, e.spec.To); err != nil {
		return err
	}
	if e.survey.expired || e.q.expired(e.spec.From) {
		return errClipped
	}
	held := e.survey.held()
	e.note(e.survey.emptySlices(held))
	var pending []*judged
	settled := true
	for _, slice := range held {
		j := e.survey.judge(slice)
		if j.settled || j.empty {
			e.note(j.completeness, j.silent)
		}
		if j.empty {
			continue
		}
		settled = settled && j.settled
		e.slices[slice] = &result{j.completeness, j.sum, -1}
		pending = append(pending, j)
	}
	if err := e.checkNeed(); err != nil { // early: no store has added anything up
		return err
	}
	if settled {
		if e.tag = e.tagNow(); e.ask.Knows(e.tag) {
			e.known = true
			return nil
		}
	}
	if err := e.openStreams(pending); err != nil {
		return err
	}
	e.tag = e.tagNow()
	return e.checkNeed()
}

// note lowers the completeness of the answer to that of a slice.
func (e *evaluation) note(c contract.Completeness, silent []string) {
	e.least = min(e.least, c)
	for _, label := range silent {
		e.silent[label] = true
	}
}

// checkNeed refuses an answer that is less complete than needed.
func (e *evaluation) checkNeed() error {
	var labels []string
	for label := range e.silent {
		labels = append(labels, label)
	}
	slices.Sort(labels)
	return e.ask.Need.Check(e.least, labels)
}

// maxTries is the number of stores that are asked for a slice, one after the other.
const maxTries = 3

// openStreams opens one stream at each store that answers for slices. A slice whose store fails goes to its next one.
func (e *evaluation) openStreams(pending []*judged) error {
	for try := 0; len(pending) > 0; try++ {
		calls := e.plan(pending)
		if try == maxTries || len(calls) == 0 {
			return &e.unavailable
		}
		var wg sync.WaitGroup
		for _, c := range calls {
			wg.Go(func() { c.stream, c.err = e.q.openStream(e.ctx, c.addr, &c.QueryCall) })
		}
		wg.Wait()
		pending = pending[:0:0]
		var refused error
		for _, c := range calls {
			if c.err == nil {
				e.take(c)
				continue
			}
			if refusal, ok := refusalOf(c.err); ok {
				refused = refusal
				continue
			}
			e.failed[c.store.ID] = true
			e.unavailable.AddFailure(e.survey.Cluster.Roster().Label(c.store), c.err)
			pending = append(pending, c.judged...)
		}
		switch {
		case refused != nil:
			return refused
		case e.ctx.Err() != nil:
			return context.Cause(e.ctx)
		}
	}
	return nil
}

// refusalOf returns the refusal of a store that another store would repeat.
func refusalOf(err error) (error, bool) {
	if errors.Is(err, contract.Expired) {
		return errClipped, true
	}
	if !errors.Is(err, contract.QueryGroups) {
		return nil, false
	}
	var theirs *peer.Error
	if errors.As(err, &theirs) {
		return contract.QueryGroups.Errorf("%s", theirs.Detail), true
	}
	return err, true
}

// storeCall is the call of one store.
type storeCall struct {
	wire.QueryCall
	store  roster.Store
	addr   string
	judged []*judged // of Slices
	stream *groupStream
	err    error
}

// plan divides slices among the stores that have not failed.
func (e *evaluation) plan(pending []*judged) []*storeCall {
	byStore := map[roster.StoreID]*storeCall{}
	var calls []*storeCall
	for _, j := range pending {
		for _, c := range j.stores {
			if e.failed[c.From.ID] {
				continue
			}
			call := byStore[c.From.ID]
			if call == nil {
				call = &storeCall{QueryCall: wire.QueryCall{Spec: e.spec}, store: c.From, addr: c.Addr}
				byStore[c.From.ID] = call
				calls = append(calls, call)
			}
			call.judged = append(call.judged, j)
			call.Slices = append(call.Slices, wire.QuerySlice{Slice: j.slice, Settled: j.settled && c.whole, Sum: j.sum})
			break
		}
	}
	return calls
}

// take takes the head of a store's answer over.
func (e *evaluation) take(c *storeCall) {
	e.streams = append(e.streams, c.stream)
	for i, got := range c.stream.head.Slices {
		completeness := got.Completeness
		if c.Slices[i].Settled && got.Sum == c.Slices[i].Sum {
			completeness = c.judged[i].completeness
		}
		e.note(completeness, nil)
		e.slices[got.Slice] = &result{completeness, got.Sum, got.Flows}
	}
	e.note(contract.Complete, c.stream.head.Silent)
}

// tagVersion is the version of the answers. Rows of another form need another version.
const tagVersion = "query/1"

// tagNow names the question and the batches of all slices.
func (e *evaluation) tagNow() contract.Tag {
	text := append([]byte(tagVersion), e.spec.Encode()...)
	all := make([]flow.Slice, 0, len(e.slices))
	for slice := range e.slices {
		all = append(all, slice)
	}
	slices.SortFunc(all, flow.Slice.Compare)
	for _, slice := range all {
		text = binary.AppendVarint(text, int64(slice.Hour))
		text = binary.AppendUvarint(text, uint64(slice.Index))
		sum := e.slices[slice].sum
		text = append(text, sum[:]...)
	}
	hash := sha256.Sum256(text)
	return contract.Tag(base64.RawURLEncoding.EncodeToString(hash[:16]))
}

// merge returns the rows of all streams.
func (e *evaluation) merge() *merge.Merge {
	var sources []merge.Source
	for _, s := range e.streams {
		sources = append(sources, s.source(e.spec, e.q.CPUSlots))
	}
	return merge.New(e.spec, sources)
}
