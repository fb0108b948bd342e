package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
)

// Submit stores a posting: each batch gets its slice and its dot, goes to the owner of the slice and is stored there as the write quorum
// asks. replayed says that every batch had been seen before. It fails with an error of store.Check when nothing was stored, and with an
// *contract.UnavailableError when the outcome is unknown.
func (r *Replicas) Submit(ctx context.Context, p *flow.Posting) (replayed bool, err error) {
	if err := r.enough(); err != nil {
		return false, err
	}
	if len(p.Batches) == 0 {
		return false, nil
	}
	batches := make([]flow.Written, len(p.Batches))
	index := r.sliceFor(p)
	for i, b := range p.Batches {
		if r.Disabled.Has(safeguard.Dedup) {
			b.ID = flow.ID{}
		}
		b.Slice.Index = index
		b.Dot = flow.Dot{Origin: r.origin, Seq: r.nextSeq(b.Slice)}
		batches[i] = flow.Written{Batch: b, Bytes: b.Encode()}
	}
	if len(batches) == 1 {
		return r.atOwner(ctx, batches[0], r.admit, 0)
	}
	// One owner may refuse: no other must have stored its part by then (P3). Of a posting that was stored in part before, only the whole
	// is right: neither a limit that was reached since counts, nor the memory of a key that was used otherwise since.
	if _, err := r.each(ctx, batches, r.check); err != nil && !(yields(err) && r.begun(ctx, batches)) {
		return false, err
	}
	replayed, err = r.each(ctx, batches, r.admitPart)
	if refused(err) { // after the check: another request got in between, and other batches may be stored
		return false, &contract.UnavailableError{Reason: "the request was overtaken by another one", Err: err}
	}
	return replayed, err
}

// sliceFor returns which slice of each of its hours takes a posting, of at least one batch. What is sent again under its key must find itself there, and so
// must other content under that key (P2, P3). Without a key there is nothing to be found, and they take turns.
func (r *Replicas) sliceFor(p *flow.Posting) uint32 {
	if key := p.Batches[0].Key; !key.IsZero() {
		return key.Slice(r.Slices)
	}
	return uint32(r.keyless.Add(1) % uint64(r.Slices))
}

func (r *Replicas) nextSeq(s flow.Slice) uint64 {
	seq, ok := r.seqs.Load(s)
	if !ok {
		seq, _ = r.seqs.LoadOrStore(s, new(atomic.Uint64))
	}
	return seq.(*atomic.Uint64).Add(1)
}

// attempt does one thing with batches at one place: all of them, or it fails.
type attempt func(ctx context.Context, at place, batches []flow.Written) (replayed bool, err error)

// each runs an attempt for every batch at its owner, in parallel: those of one owner are one attempt. Where one of these fails, or is
// slow, each of its batches goes on by itself. The first error of a batch ends it.
func (r *Replicas) each(ctx context.Context, batches []flow.Written, do attempt) (allReplayed bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	begun := time.Now()
	owners := r.share(ctx, batches, do)
	if owners.succeed(ctx, r.patience()) {
		return owners.replayed(), nil
	}
	waited := time.Since(begun)
	return sideBySide(ctx, len(batches), func(ctx context.Context, i int) (bool, error) {
		s := owners.of[i]
		if s != nil && s.succeeded() {
			return s.replayed, nil
		}
		return r.atOwner(ctx, batches[i], func(ctx context.Context, at place, alone []flow.Written) (bool, error) {
			if s != nil && s.at.ID == at.ID {
				return s.wait(ctx)
			}
			return do(ctx, at, alone)
		}, waited)
	})
}

// sideBySide does something with each of n batches, in parallel, until it has failed with one. It reports whether all were seen before.
func sideBySide(ctx context.Context, n int, do func(ctx context.Context, i int) (replayed bool, err error)) (allReplayed bool, err error) {
	const parallel = 64 // a posting may span thousands of hours
	var fresh atomic.Bool
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i := range n {
		g.Go(func() error {
			replayed, err := do(ctx, i)
			if !replayed {
				fresh.Store(true)
			}
			return err
		})
	}
	err = g.Wait()
	return !fresh.Load(), err
}

// shared is one attempt for all batches that have their owner in common.
type shared struct {
	at       place
	batches  []flow.Written
	done     chan struct{} // closed when replayed and err are set
	replayed bool
	err      error
}

// sharing is the attempts of a posting, one for each owner.
type sharing struct {
	all   []*shared
	of    []*shared    // by batch; nil where it has no owner
	ended chan *shared // each, once it is done
}

// share begins one attempt for each owner.
func (r *Replicas) share(ctx context.Context, batches []flow.Written, do attempt) *sharing {
	owners, find := &sharing{of: make([]*shared, len(batches))}, r.finder()
	for i, b := range batches {
		places := find.places(b.Slice)
		if at, ok := places.next(); ok {
			owners.of[i] = owners.add(at, b)
		}
	}
	owners.ended = make(chan *shared, len(owners.all))
	for _, s := range owners.all {
		r.hedges.Earn()
		err := r.runDetached(func() {
			s.replayed, s.err = do(ctx, s.at, s.batches)
			owners.end(s)
		})
		if err != nil {
			s.err = err
			owners.end(s)
		}
	}
	return owners
}

// add makes a batch part of the attempt at a place.
func (o *sharing) add(at place, b flow.Written) *shared {
	i := slices.IndexFunc(o.all, func(s *shared) bool { return s.at.ID == at.ID })
	if i < 0 {
		i = len(o.all)
		o.all = append(o.all, &shared{at: at, done: make(chan struct{})})
	}
	o.all[i].batches = append(o.all[i].batches, b)
	return o.all[i]
}

func (o *sharing) end(s *shared) {
	close(s.done)
	o.ended <- s
}

// succeed waits until every attempt has ended, and reports whether all batches were part of one that succeeded. It waits no longer than
// for the first that did not, or than patience.
func (o *sharing) succeed(ctx context.Context, patience time.Duration) bool {
	slow := time.NewTimer(patience)
	defer slow.Stop()
	for range o.all {
		select {
		case s := <-o.ended:
			if s.err != nil {
				return false
			}
		case <-slow.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return !slices.Contains(o.of, nil)
}

// replayed reports whether all batches were seen before. Every attempt must have succeeded.
func (o *sharing) replayed() bool {
	return !slices.ContainsFunc(o.all, func(s *shared) bool { return !s.replayed })
}

// succeeded reports whether the attempt has ended, and well.
func (s *shared) succeeded() bool {
	select {
	case <-s.done:
		return s.err == nil
	default:
		return false
	}
}

func (s *shared) wait(ctx context.Context) (bool, error) {
	select {
	case <-s.done:
		return s.replayed, s.err
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

func (r *Replicas) check(ctx context.Context, at place, batches []flow.Written) (bool, error) {
	if at.self {
		return r.Check(batches)
	}
	return r.Peers.Check(ctx, at.addr, batches[0].Posting, bytesOf(batches)...)
}

func (r *Replicas) admit(ctx context.Context, at place, batches []flow.Written) (bool, error) {
	return r.admitAt(ctx, at, false, batches)
}

// admitPart admits a part of a posting that was checked as a whole.
func (r *Replicas) admitPart(ctx context.Context, at place, batches []flow.Written) (bool, error) {
	return r.admitAt(ctx, at, true, batches)
}

func (r *Replicas) admitAt(ctx context.Context, at place, checked bool, batches []flow.Written) (bool, error) {
	if at.self {
		return r.Admit(ctx, checked, batches)
	}
	return r.Peers.Admit(ctx, at.addr, checked, batches[0].Posting, bytesOf(batches)...)
}

func bytesOf(batches []flow.Written) [][]byte {
	all := make([][]byte, len(batches))
	for i, b := range batches {
		all[i] = b.Bytes
	}
	return all
}

// begun reports whether a batch of the posting is known to be stored: an earlier attempt of the client's, with the same key, got so far.
func (r *Replicas) begun(ctx context.Context, batches []flow.Written) bool {
	for _, b := range batches {
		if b.ID.IsZero() {
			return false
		}
		if replayed, _ := r.atOwner(ctx, b, r.check, 0); replayed {
			return true
		}
	}
	return false
}

// outcome is what became of one attempt.
type outcome struct {
	at       place
	replayed bool
	err      error
}

// atOwner tries a slice's places in order until one succeeds: the next one as soon as one fails, or is slow. The attempt at the first has
// been waited for already for some time.
func (r *Replicas) atOwner(ctx context.Context, b flow.Written, do attempt, waited time.Duration) (bool, error) {
	r.hedges.Earn()
	d := descent{queue: queue{places: r.places(b.Slice)}, r: r, batch: b, do: do, first: max(0, r.patience()-waited)}
	d.fail.Reason = "no store of the hour could take the write"
	if at, ok := d.places.here(); ok {
		replayed, err := d.here(ctx, at)
		if err == nil || refused(err) {
			return replayed, err
		}
		d.failed(at, err)
		if ctx.Err() != nil {
			return false, d.late(ctx)
		}
		d.first = r.patience()
	}
	return d.down(ctx)
}

// addFailure notes that a store failed. If a store could not reach others, its own reason says more.
func addFailure(e *contract.UnavailableError, label string, err error) {
	var theirs unreached
	if errors.As(err, &theirs) {
		reason, stores := theirs.Unreached()
		e.Reason = reason
		for _, name := range stores {
			e.Stores = appendNew(e.Stores, name)
		}
	} else {
		e.Stores = appendNew(e.Stores, label)
	}
	e.Err = fmt.Errorf("%s: %w", label, err)
}

// unreached is the error of a store that was reached and could not reach enough others.
type unreached interface {
	Unreached() (reason string, stores []string)
}

func isUnreached(err error) bool {
	var theirs unreached
	return errors.As(err, &theirs)
}

func appendNew(names []string, name string) []string {
	for _, n := range names {
		if n == name {
			return names
		}
	}
	return append(names, name)
}

// refused reports whether a store refused the content of a write.
func refused(err error) bool {
	if err == nil {
		return false
	}
	var r contract.Refusal
	return errors.As(err, &r) && r.OfContent()
}

// yields reports whether a store refused a write for a reason that does not count for a posting of which a part is stored.
func yields(err error) bool {
	var r contract.Refusal
	return errors.As(err, &r) && r.Yields()
}
