package replica

import (
	"context"
	"sync/atomic"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/node/replica/candidates"
	"flowring/node/replica/owners"
)

// Submit stores a posting. It gives each batch its slice and its dot, and sends it to the owner of the slice, which
// stores it on W stores. replayed: every batch was seen before. Submit fails with a refusal of content if nothing was
// stored, and with a *contract.UnavailableError if the outcome is unknown.
func (r *Replicas) Submit(ctx context.Context, p *flow.Posting) (replayed bool, err error) {
	if err := r.CheckQuorum(); err != nil {
		return false, err
	}
	if len(p.Batches) == 0 {
		return false, nil
	}
	batches := make([]flow.Written, len(p.Batches))
	index := r.sliceIndex(p)
	for i, b := range p.Batches {
		if r.Disabled.Has(safeguard.Dedup) {
			b.ID = flow.ID{}
		}
		b.Slice.Index = index
		b.Dot = flow.Dot{Origin: r.origin, Seq: r.nextSeq(b.Slice)}
		batches[i] = flow.Written{Batch: b, Bytes: b.Encode()}
	}
	if p.ByKey {
		return r.late.Submit(ctx, batches, r.submitByKey, r.submitKnownByKey)
	}
	return r.late.Submit(ctx, batches, r.submit, r.submitChecked)
}

// submit stores the batches of a posting.
func (r *Replicas) submit(ctx context.Context, batches []flow.Written) (replayed bool, err error) {
	if len(batches) == 1 {
		return r.admitAlone(ctx, batches[0])
	}
	replayed, attempt, err := r.submitHere(ctx, batches)
	if attempt == succeeded || attempt == undecided && ctx.Err() != nil {
		return replayed, err
	}
	// One owner may refuse the posting. No other owner may have stored its part by then (P3), so all owners check
	// first. If an earlier attempt stored a part, only the whole posting is right: a limit reached since then does not
	// apply, nor does the memory of a key used otherwise since then.
	if attempt != refusedHere {
		_, err = r.atOwners(ctx, batches, r.checkAt)
	}
	if err != nil && !(yields(err) && r.partlyStored(ctx, batches)) {
		if attempt == undecided && refused(err) {
			return false, &contract.UnavailableError{Reason: "one store refused the write and another may have stored it",
				Err: err}
		}
		return false, err
	}
	return r.submitChecked(ctx, batches)
}

// attempt is the result of submitHere.
type attempt int

const (
	elsewhere   attempt = iota // another store owns a slice, or this one cannot take it; nothing is stored
	succeeded                  // everything is stored
	refusedHere                // nothing is stored
	undecided                  // some batches may be stored
)

// submitHere stores a posting if this store owns all of its slices. One admission does, as for one batch, because no
// other owner can refuse a part.
func (r *Replicas) submitHere(ctx context.Context, batches []flow.Written) (replayed bool, done attempt, err error) {
	lookup := r.finder.Lookup()
	var self candidates.Candidate
	for _, b := range batches {
		list, ok := lookup.Of(b.Slice), false
		if self, ok = list.NextIfSelf(); !ok {
			return false, elsewhere, nil
		}
	}
	f := r.newFailover(lookup.Of(batches[0].Slice), batches, r.admitAt)
	f.list.NextIfSelf()
	r.hedges.Earn()
	replayed, err = f.tryHere(ctx, self)
	switch {
	case err == nil:
		return replayed, succeeded, nil
	case refused(err):
		return false, refusedHere, err
	}
	if f.noteFailure(self, err); !f.maybeApplied {
		return false, elsewhere, nil
	}
	return false, undecided, f.timedOut(ctx)
}

// submitChecked stores the batches of a posting after its check.
func (r *Replicas) submitChecked(ctx context.Context, batches []flow.Written) (replayed bool, err error) {
	replayed, err = r.atOwners(ctx, batches, r.admitCheckedAt)
	if refused(err) { // another request came between the check and this; other owners may have stored their parts
		return false, &contract.UnavailableError{Reason: "the request was overtaken by another one", Err: err}
	}
	return replayed, err
}

// sliceIndex returns the index of the slice for a posting, the same in each of its hours. A retry with the same key
// must reach the slice of the first attempt, because it detects duplicates and reused keys (P2, P3). Postings without
// a key take turns.
func (r *Replicas) sliceIndex(p *flow.Posting) uint32 {
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

// action does one thing with batches at one store.
type action = owners.Action

// runHedged is runDetached for a call that earns a part of an attempt beside a slow one.
func (r *Replicas) runHedged(fn func()) error {
	r.hedges.Earn()
	return r.runDetached(fn)
}

func (r *Replicas) checkAt(ctx context.Context, to candidates.Candidate, batches []flow.Written) (bool, error) {
	if to.Self {
		return r.Check(batches)
	}
	return r.Peers.Check(ctx, to.Addr, batches[0].Posting, owners.Encoded(batches)...)
}

func (r *Replicas) admitAt(ctx context.Context, to candidates.Candidate, batches []flow.Written) (bool, error) {
	return r.callAdmit(ctx, to, false, batches)
}

// admitCheckedAt admits a part of a posting after the check of the whole.
func (r *Replicas) admitCheckedAt(ctx context.Context, to candidates.Candidate, batches []flow.Written) (bool, error) {
	return r.callAdmit(ctx, to, true, batches)
}

func (r *Replicas) callAdmit(
	ctx context.Context, to candidates.Candidate, checked bool, batches []flow.Written,
) (bool, error) {
	if to.Self {
		return r.Admit(ctx, checked, batches)
	}
	return r.Peers.Admit(ctx, to.Addr, checked, batches[0].Posting, owners.Encoded(batches)...)
}

// partlyStored reports whether a batch of the posting is known to be stored, because an earlier attempt of the client
// with the same key stored it.
func (r *Replicas) partlyStored(ctx context.Context, batches []flow.Written) bool {
	for _, b := range batches {
		if b.ID.IsZero() {
			return false
		}
		if replayed, _ := r.withFailover(ctx, b, r.checkAt, 0); replayed {
			return true
		}
	}
	return false
}

// atOwners does one thing with every batch at its owner, in parallel. The batches of one owner go in one call. If a
// call fails or is slow, each of its batches continues by itself, with failover. The first error of a batch ends all.
func (r *Replicas) atOwners(ctx context.Context, batches []flow.Written, do action) (allReplayed bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	begun := time.Now()
	calls := owners.Begin(ctx, r.finder.Lookup(), batches, do, r.runHedged)
	if calls.AllSucceed(ctx, r.ownerHedgeAfter()) {
		return calls.Replayed(), nil
	}
	waited := time.Since(begun)
	return owners.InParallel(ctx, len(batches), func(ctx context.Context, i int) (bool, error) {
		call := calls.Of(i)
		if call != nil && call.Succeeded() {
			return call.Wait(ctx)
		}
		shared := func(ctx context.Context, to candidates.Candidate, alone []flow.Written) (bool, error) {
			if call != nil && call.To.ID == to.ID {
				return call.Wait(ctx)
			}
			return do(ctx, to, alone)
		}
		return r.withFailover(ctx, batches[i], shared, waited)
	})
}
