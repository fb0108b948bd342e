package answer

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/node/peer"
	"flowring/node/replica"
	"flowring/router/admission"
)

// Config is the part of a node's configuration for answers.
type Config struct {
	Slices   int           // of an hour
	Disabled safeguard.Set // for tests alone: safeguards that are off
}

// Deps are the collaborators of a Reader.
type Deps struct {
	Replicas *replica.Replicas
	Client   *peer.Client
	CPUSlots admission.CPUSlots // for writing answers
}

// Reader opens the answers to GETs. It is safe for concurrent use.
type Reader struct {
	Config
	Deps
	saturated atomic.Int64 // totals of merged hours cut to 2^63-1 (P14)
}

// New returns a Reader.
func New(cfg Config, deps Deps) *Reader { return &Reader{Config: cfg, Deps: deps} }

// Saturated returns how many totals of merged hours were cut to 2^63-1 (P14).
func (r *Reader) Saturated() int64 { return r.saturated.Load() }

// Hour opens an answer with the flows of an hour. Each slice is read at its owner. The caller closes the answer. Hour
// fails with contract.Expired if a store says so of the hour, or the roster does at the end. The answer of an erased
// hour is empty, and says when.
func (r *Reader) Hour(ctx context.Context, hour flow.Hour, ask contract.Ask) (contract.Answer, error) {
	if r.gone(hour) {
		return r.answerGone(hour)
	}
	answer, err := r.open(ctx, hour, ask)
	switch {
	case errors.Is(err, contract.Expired):
		return r.answerGone(hour)
	case err != nil:
		return nil, err
	case r.gone(hour):
		answer.Close()
		return r.answerGone(hour)
	}
	return answer, nil
}

// gone reports whether an hour has expired or is erased, by the roster.
func (r *Reader) gone(hour flow.Hour) bool {
	return r.Replicas.Expired(hour) && !r.Disabled.Has(safeguard.SayExpired)
}

// answerGone answers for an hour of which a store, or the roster, says that it is gone. The roster has the floors and
// marks of that store.
func (r *Reader) answerGone(hour flow.Hour) (contract.Answer, error) {
	if at, erased := r.Replicas.Cluster.Roster().Marks().Erased(hour); erased {
		return erasedAnswer(at), nil
	}
	return nil, contract.Expired
}

// open opens all slices of an hour.
func (r *Reader) open(ctx context.Context, hour flow.Hour, ask contract.Ask) (contract.Answer, error) {
	wanted := peer.Wanted{Ask: ask, Columns: r.columnsAreRead()}
	if r.Slices == 1 {
		wanted.JSON = true
		return r.openSlice(ctx, flow.Slice{Hour: hour}, wanted)
	}
	if len(ask.Known) > 0 { // the tag of the hour depends on those of its slices: ask for the tags before any flow is sent
		wanted.Known = []contract.Tag{contract.AnyTag}
		named, err := r.openSlices(ctx, hour, wanted)
		if err != nil || ask.Knows(named.Tag()) {
			return named, err
		}
		named.Close()
		wanted.Known = nil
	}
	return r.openSlices(ctx, hour, wanted)
}

// columnsAreRead reports whether every store of the roster reads and writes parts as columns.
func (r *Reader) columnsAreRead() bool {
	return len(r.Replicas.Cluster.Roster().Below(compat.Version(compat.Columns))) == 0
}

// openSlices opens all slices of an hour.
func (r *Reader) openSlices(ctx context.Context, hour flow.Hour, wanted peer.Wanted) (contract.Answer, error) {
	parts, errs := make([]peer.Answer, r.Slices), make([]error, r.Slices)
	var wg sync.WaitGroup
	for i := range parts {
		wg.Go(func() { parts[i], errs[i] = r.openSlice(ctx, flow.Slice{Hour: hour, Index: uint32(i)}, wanted) })
	}
	wg.Wait()
	err := joinErrors(errs)
	if err == nil {
		return &mergedAnswer{parts, r.CPUSlots, &r.saturated}, nil
	}
	for i, part := range parts {
		if errs[i] == nil {
			part.Close()
		}
	}
	return nil, err
}

// joinErrors returns one error for the slices of an hour; nil if no slice failed. It names all stores that did not
// answer.
func joinErrors(errs []error) error {
	var all *contract.UnavailableError
	for _, err := range errs {
		var unavailable *contract.UnavailableError
		switch {
		case err == nil:
		case !errors.As(err, &unavailable):
			return err
		case all == nil:
			all = &contract.UnavailableError{
				Reason: unavailable.Reason, Stores: slices.Clone(unavailable.Stores), Err: unavailable.Err,
			}
		default:
			all.Stores = append(all.Stores, unavailable.Stores...)
		}
	}
	if all == nil {
		return nil
	}
	slices.Sort(all.Stores)
	all.Stores = slices.Compact(all.Stores)
	return all
}

// openSlice opens a slice at the first store of its list that answers.
func (r *Reader) openSlice(ctx context.Context, s flow.Slice, wanted peer.Wanted) (peer.Answer, error) {
	answer, err := r.Replicas.Forward(ctx, s, func(ctx context.Context, addr string) (io.Closer, error) {
		if addr == "" {
			return closer(r.Slice(ctx, s, wanted))
		}
		return closer(r.Client.Flows(ctx, addr, s, wanted))
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
