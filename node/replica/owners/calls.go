package owners

import (
	"context"
	"slices"
	"time"

	"flowring/flow"
	"flowring/node/replica/candidates"
)

// Action does one thing with batches at one store: it succeeds with all of them, or fails.
type Action func(ctx context.Context, to candidates.Candidate, batches []flow.Written) (replayed bool, err error)

// Call is one call for all batches of one owner.
type Call struct {
	To       candidates.Candidate
	batches  []flow.Written
	done     chan struct{} // closed when replayed and err are set
	replayed bool
	err      error
}

// Calls are the calls for a posting, one for each owner.
type Calls struct {
	all   []*Call
	of    []*Call    // by batch; nil for a batch without a candidate
	ended chan *Call // has room for each
}

// Begin begins one call for each owner. run runs a function in another goroutine, or fails.
func Begin(
	ctx context.Context, lookup *candidates.Lookup, batches []flow.Written, do Action, run func(func()) error,
) *Calls {
	calls := &Calls{of: make([]*Call, len(batches))}
	for i, b := range batches {
		list := lookup.Of(b.Slice)
		if to, ok := list.Next(); ok {
			calls.of[i] = calls.add(to, b)
		}
	}
	calls.ended = make(chan *Call, len(calls.all))
	for _, call := range calls.all {
		err := run(func() {
			call.replayed, call.err = do(ctx, call.To, call.batches)
			calls.end(call)
		})
		if err != nil {
			call.err = err
			calls.end(call)
		}
	}
	return calls
}

// Of returns the call with a batch, by its index; nil if the batch has no candidate.
func (c *Calls) Of(i int) *Call { return c.of[i] }

// add adds a batch to the call to a store.
func (c *Calls) add(to candidates.Candidate, b flow.Written) *Call {
	i := slices.IndexFunc(c.all, func(call *Call) bool { return call.To.ID == to.ID })
	if i < 0 {
		i = len(c.all)
		c.all = append(c.all, &Call{To: to, done: make(chan struct{})})
	}
	c.all[i].batches = append(c.all[i].batches, b)
	return c.all[i]
}

func (c *Calls) end(call *Call) {
	close(call.done)
	c.ended <- call
}

// AllSucceed waits until every call has ended, and reports whether every batch was in a successful call. It returns
// false at the first failed call, and after the given time.
func (c *Calls) AllSucceed(ctx context.Context, within time.Duration) bool {
	slow := time.NewTimer(within)
	defer slow.Stop()
	for range c.all {
		select {
		case call := <-c.ended:
			if call.err != nil {
				return false
			}
		case <-slow.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return !slices.Contains(c.of, nil)
}

// Replayed reports whether all batches were seen before. Every call must have succeeded.
func (c *Calls) Replayed() bool {
	return !slices.ContainsFunc(c.all, func(call *Call) bool { return !call.replayed })
}

// Succeeded reports whether the call has ended without an error.
func (c *Call) Succeeded() bool {
	select {
	case <-c.done:
		return c.err == nil
	default:
		return false
	}
}

// Wait returns the result of the call, or the cause of the end of ctx.
func (c *Call) Wait(ctx context.Context) (bool, error) {
	select {
	case <-c.done:
		return c.replayed, c.err
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// Encoded returns the bytes of batches, as calls carry them.
func Encoded(batches []flow.Written) [][]byte {
	all := make([][]byte, len(batches))
	for i, b := range batches {
		all[i] = b.Bytes
	}
	return all
}
