package replica

import (
	"context"
	"fmt"
	"time"

	"flowring/flow"
	"flowring/internal/safeguard"
)

func (r *Replicas) sealLoop() {
	for {
		select {
		case <-time.After(max(r.SealAfter/4, time.Second)):
			r.Seal(r.ctx)
		case <-r.ctx.Done():
			return
		}
	}
}

// Seal seals each slice without a new batch for SealAfter, if all stores of the roster answer, all replicas hold one
// digest, and no store holds a batch outside of it.
//
// By these conditions, of any two snapshots of a slice one holds all of the other, and the larger can replace the
// smaller. Proof: stores A and B seal. Each held all batches of its snapshot before it asked the other, and the
// content of a store only grows. The later asker got an answer with all batches of the other's snapshot, so its own
// snapshot has them too.
func (r *Replicas) Seal(ctx context.Context) {
	skip := r.newSilentStores()
	for _, s := range r.Store.Quiet(r.SealAfter, r.SealBatches) {
		if ctx.Err() != nil {
			return
		}
		if err := r.sealSlice(ctx, s, skip); err != nil {
			r.Log.Debug("seal", "slice", s, "error", err)
		}
	}
}

func (r *Replicas) sealSlice(ctx context.Context, s flow.Slice, skip *silentStores) error {
	asking, cancel := context.WithTimeout(ctx, r.CallWait)
	defer cancel()
	p := r.newPoll(s, skip)
	if err := p.askAll(asking); err != nil {
		return err
	}
	if err := p.checkAgreement(); err != nil {
		return err
	}
	sealed, err := r.Store.Seal(s, p.own().Digest, r.SealBatches)
	if err != nil {
		return err
	}
	if !sealed {
		return nil
	}
	r.Log.Info("hour sealed", "slice", s)
	return r.Store.Reclaim(ctx, s)
}

// checkAgreement returns an error if the slice must not be sealed.
func (p *poll) checkAgreement() error {
	if p.r.Disabled.Has(safeguard.Agreement) {
		return nil
	}
	if silent := p.Silent(); len(silent) > 0 {
		return fmt.Errorf("no answer from %v", silent)
	}
	if p.r.Cluster.Roster().Hash() != p.Begun.Hash() || p.r.Cluster.Ring().Version() != p.Ring.Version() {
		return errRosterChanged
	}
	own, replicas := p.own().Digest, 0
	for _, v := range p.All {
		if own.Lacks(v.Digest) {
			return fmt.Errorf("%s holds batches that this store lacks", v.From.Name)
		}
		if !p.r.isReplica(p.Ring, p.Slice, v.From.Name) {
			continue
		}
		if v.TakingOver || v.Digest.Lacks(own) {
			return fmt.Errorf("%s does not hold all of it yet", v.From.Name)
		}
		if p.r.counts(v.From) {
			replicas++
		}
	}
	if replicas < p.r.Copies || !p.r.isReplica(p.Ring, p.Slice, p.Self.Name) {
		return fmt.Errorf("%d of %d replicas hold it, or this store is none of them", replicas, p.r.Copies)
	}
	return nil
}
