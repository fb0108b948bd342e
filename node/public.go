package node

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"sync"
	"time"

	"flowring/flow"
	"flowring/internal/safeguard"
	"flowring/node/peer"
	"flowring/node/replica"
	"flowring/router"
	"flowring/router/admission"
	"flowring/store"
)

// public is the node as its public API sees it.
type public struct{ *Node }

var _ router.Cluster = public{}

// Post implements router.Cluster.
func (p public) Post(ctx context.Context, posting *flow.Posting) (bool, error) {
	if err := p.mayWrite(); err != nil {
		return false, err
	}
	replayed, err := p.replicas.Submit(ctx, posting)
	return replayed, publicError(err)
}

// mayWrite says why no write can be taken here, if so: better at once than after the work.
func (n *Node) mayWrite() error {
	switch {
	case n.stays() != nil:
		return &router.UnavailableError{Reason: n.stays().Error()}
	case n.left.Load():
		return &router.UnavailableError{Reason: "the store of this node has left the cluster"}
	case n.membership.Roster().CountEstablished() < n.cfg.WriteQuorum:
		return &router.UnavailableError{
			Reason: "the cluster has fewer established stores than the write quorum asks for" + replica.LeavingNote(n.membership.Roster()),
		}
	}
	return nil
}

// Get implements router.Cluster: each slice of the hour is read at its owner.
func (p public) Get(ctx context.Context, hour flow.Hour, ask router.Ask) (router.Answer, error) {
	wanted := peer.Wanted{Need: needNames[ask.Need], Known: ask.Known}
	if p.cfg.HourSlices == 1 {
		wanted.JSON = true
		answer, err := p.getSlice(ctx, flow.Slice{Hour: hour}, wanted)
		if err != nil {
			return nil, publicError(err)
		}
		return publicAnswer{answer}, nil
	}
	if len(ask.Known) > 0 { // what names the hour is made of what names its slices: that alone, before any slice is sent
		wanted.Known = []string{peer.AnyTag}
		named, err := p.getSlices(ctx, hour, wanted)
		if err != nil || ask.Knows(named.Tag()) {
			return named, publicError(err)
		}
		named.Close()
		wanted.Known = nil
	}
	parts, err := p.getSlices(ctx, hour, wanted)
	return parts, publicError(err)
}

// getSlices opens all slices of an hour.
func (p public) getSlices(ctx context.Context, hour flow.Hour, wanted peer.Wanted) (router.Answer, error) {
	parts, errs := make([]peer.Answer, p.cfg.HourSlices), make([]error, p.cfg.HourSlices)
	var wg sync.WaitGroup
	for i := range parts {
		wg.Go(func() { parts[i], errs[i] = p.getSlice(ctx, flow.Slice{Hour: hour, Index: uint32(i)}, wanted) })
	}
	wg.Wait()
	err := worst(errs)
	if err == nil {
		return &mergedAnswer{parts, p.slots, &p.saturated}, nil
	}
	for i, part := range parts {
		if errs[i] == nil {
			part.Close()
		}
	}
	return nil, err
}

// worst returns one error for those of the slices of an hour, naming the stores that any of them missed; nil if there is none.
func worst(errs []error) error {
	var all *replica.UnavailableError
	for _, err := range errs {
		var unavailable *replica.UnavailableError
		switch {
		case err == nil:
		case !errors.As(err, &unavailable):
			return err
		case all == nil:
			all = &replica.UnavailableError{Reason: unavailable.Reason, Silent: slices.Clone(unavailable.Silent), Err: unavailable.Err}
		default:
			all.Silent = append(all.Silent, unavailable.Silent...)
		}
	}
	if all == nil {
		return nil
	}
	slices.Sort(all.Silent)
	all.Silent = slices.Compact(all.Silent)
	return all
}

// getSlice opens a slice at the first store of its list that answers.
func (p public) getSlice(ctx context.Context, s flow.Slice, wanted peer.Wanted) (peer.Answer, error) {
	answer, err := p.replicas.Forward(ctx, s, func(ctx context.Context, addr string) (io.Closer, error) {
		if addr == "" {
			return closer(p.readHere(ctx, s, wanted))
		}
		return closer(p.client.Flows(ctx, addr, s, wanted))
	})
	if err != nil {
		return nil, err
	}
	return answer.(peer.Answer), nil
}

// closer keeps a nil answer from becoming a non-nil interface.
func closer(a peer.Answer, err error) (io.Closer, error) {
	if err != nil {
		return nil, err
	}
	return a, nil
}

// needNames is how needs are called between nodes.
var needNames = map[router.Need]string{router.NeedUnproven: "", router.NeedComplete: "complete", router.NeedPartial: "partial"}

// needOf returns the need of a name, the default for one that is not known.
func needOf(name string) router.Need {
	for need, n := range needNames {
		if n == name {
			return need
		}
	}
	return router.NeedUnproven
}

// readHere reads a slice at this node and judges whether that is enough.
func (n *Node) readHere(ctx context.Context, s flow.Slice, wanted peer.Wanted) (peer.Answer, error) {
	var known replica.Known
	if len(wanted.Known) > 0 {
		known = func(d store.Digest) bool { return wanted.Knows(tagOf(s, d)) }
	}
	read := n.replicas.ReadUnlessBehind
	if wanted.Here || n.deps.Without.Off(safeguard.ReadFuller) {
		read = n.replicas.Read
	}
	reading, err := read(ctx, s, known)
	var behind *replica.BehindError
	if errors.As(err, &behind) {
		if answer, heard, err := n.readAt(ctx, behind.Addr, s, wanted); heard {
			return answer, err
		}
		reading, err = n.replicas.Read(ctx, s, known)
	}
	if err != nil {
		return nil, err
	}
	switch need := needOf(wanted.Need); {
	case need == router.NeedComplete && reading.Level != replica.Complete:
		return nil, &replica.UnavailableError{Reason: "the answer could not be proven complete", Silent: reading.Silent}
	case need == router.NeedUnproven && reading.Level == replica.Partial:
		return nil, &replica.UnavailableError{Reason: "too few of the hour's stores answered", Silent: reading.Silent}
	}
	return &localAnswer{reading, s, tagOf(s, reading.Shown), n.slots}, nil
}

// readAt reads a slice at another store, which answers by itself. It reports whether that store was heard.
func (n *Node) readAt(ctx context.Context, addr string, s flow.Slice, wanted peer.Wanted) (answer peer.Answer, heard bool, err error) {
	wanted.Here = true
	answer, err = n.client.Flows(ctx, addr, s, wanted)
	return answer, !peer.Unheard(err), err
}

// localAnswer is a reading of this node.
type localAnswer struct {
	*replica.Reading
	slice flow.Slice
	tag   string
	slots admission.CPUSlots // for writing
}

// Tag implements peer.Answer.
func (a *localAnswer) Tag() string { return a.tag }

// Complete implements peer.Answer.
func (a *localAnswer) Complete() string {
	switch a.Level {
	case replica.Complete:
		return string(router.Complete)
	case replica.Unproven:
		return string(router.Unproven)
	}
	return string(router.Partial)
}

// Close implements io.Closer.
func (a *localAnswer) Close() error { return nil }

// Ready implements peer.Answer: few flows are sorted in no time.
func (a *localAnswer) Ready() bool { return a.Reading.Reading == nil || a.Len() <= fewFlows }

const fewFlows = 1 << 16

// errNoFlows says that a reading was opened for one who knows its flows.
var errNoFlows = errors.New("the reading has no flows, for the reader knows them")

// Parts implements peer.Answer.
func (a *localAnswer) Parts() iter.Seq2[*flow.Batch, error] {
	return func(yield func(*flow.Batch, error) bool) {
		if a.Reading.Reading == nil {
			yield(nil, errNoFlows)
			return
		}
		a.Sort()
		a.slots.Acquire()
		defer a.slots.Release()
		for part := range a.Reading.Parts(a.slice, partFlows) {
			a.slots.Release()
			more := yield(part, nil)
			a.slots.Acquire()
			if !more {
				return
			}
		}
	}
}

// partFlows is how many flows a part of an answer has: enough for its names to be few in comparison, and to be made within a turn.
const partFlows = 4096

// WriteTo implements peer.Answer.
func (a *localAnswer) WriteTo(w io.Writer) (int64, error) {
	if a.Reading.Reading == nil {
		return 0, errNoFlows
	}
	a.Sort()
	array := newArray(w, a.slots, a.Len())
	a.slots.Acquire()
	defer a.slots.Release()
	for r := range a.Records() {
		if err := array.add(r); err != nil {
			return array.written, err
		}
	}
	return array.end()
}

// publicAnswer is the answer of an hour's only slice as the router names it.
type publicAnswer struct{ peer.Answer }

// Complete implements router.Answer.
func (a publicAnswer) Complete() router.Completeness { return router.Completeness(a.Answer.Complete()) }

// publicError translates the errors of the parts into those of the router.
func publicError(err error) error {
	if err == nil {
		return nil
	}
	var unavailable *replica.UnavailableError
	var refusal *peer.Error
	switch {
	case errors.As(err, &unavailable): // first: its cause may be a refusal, and yet something be stored (P3)
		return &router.UnavailableError{Reason: unavailable.Reason, Stores: unavailable.Silent, Advice: replica.Advice(unavailable.Silent), Err: err}
	case refusalOf(err) != nil:
		return refusalOf(err)
	case errors.As(err, &refusal):
		return &router.UnavailableError{
			Reason: refusal.Detail, Stores: refusal.Stores, Advice: replica.Advice(refusal.Stores), RetryAfter: time.Duration(refusal.RetryAfter), Err: err,
		}
	}
	return err
}

// refusalOf returns what the router calls the error with which a store refused a batch, nil if it is none.
func refusalOf(err error) error {
	for _, r := range refusals {
		if !errors.Is(err, r.store) {
			continue
		}
		var limit *store.LimitError
		if errors.As(err, &limit) {
			return &router.LimitError{Hour: limit.Hour, Err: r.public}
		}
		return r.public
	}
	return nil
}

// refusals are the errors of store.Check, and what the router calls them.
var refusals = [...]struct{ store, public error }{
	{store.ErrKeyReused, router.ErrKeyReused},
	{store.ErrKeyElsewhere, router.ErrKeyReused},
	{store.ErrOverflow, router.ErrOverflow},
	{store.ErrTooManyFlows, router.ErrTooManyFlows},
	{store.ErrTooManyNames, router.ErrTooManyNames},
	{store.ErrTooManySlices, router.ErrTooManyHours},
	{store.ErrSlicesKept, router.ErrHoursKept},
}

// Members implements router.Cluster.
func (p public) Members() router.MembersView { return p.view() }

// Ready implements router.Cluster.
func (p public) Ready() error { return p.Node.Ready() }

// ReadyToWrite implements router.Cluster.
func (p public) ReadyToWrite() error { return p.Node.ReadyToWrite() }
