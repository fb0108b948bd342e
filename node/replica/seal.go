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

// Seal seals each slice that got no batch for SealAfter, whose replicas hold one and the same digest, and of which no store of the
// roster, all of which answer, holds a batch outside it.
//
// Why all this is asked: of two snapshots of a slice that any two stores ever make, one then holds all of the other, so that the
// larger can take the place of the smaller. Say that A and B seal. Each had all that it seals before it asked the other, and what
// a store holds only grows; so whichever asked last got an answer that has all that the other sealed, and seals that too.
func (r *Replicas) Seal(ctx context.Context) {
	silent := r.newSilences()
	for _, s := range r.Store.Quiet(r.SealAfter, r.SealBatches) {
		if ctx.Err() != nil {
			return
		}
		if err := r.seal(ctx, s, silent); err != nil {
			r.Log.Debug("seal", "slice", s, "error", err)
		}
	}
}

func (r *Replicas) seal(ctx context.Context, s flow.Slice, silent *silences) error {
	asking, cancel := context.WithTimeout(ctx, r.CallWait)
	defer cancel()
	h := r.newHearing(s, silent)
	if err := h.askAll(asking); err != nil {
		return err
	}
	if err := h.agreed(); err != nil {
		return err
	}
	sealed, err := r.Store.Seal(s, h.held[h.self.ID].Digest, r.SealBatches)
	if err != nil {
		return err
	}
	if !sealed {
		return nil
	}
	r.Log.Info("hour sealed", "slice", s)
	return r.Store.Reclaim(ctx, s)
}

// agreed returns why the slice must not be sealed, or nil.
func (h *hearing) agreed() error {
	if h.r.Disabled.Has(safeguard.Agreement) {
		return nil
	}
	if silent := h.silent(); len(silent) > 0 {
		return fmt.Errorf("no answer from %v", silent)
	}
	if h.r.Cluster.Roster().Hash() != h.begun.Hash() || h.r.Cluster.Ring().Version() != h.ring.Version() {
		return fmt.Errorf("the roster changed")
	}
	own, replicas := h.held[h.self.ID].Digest, 0
	for _, v := range h.held {
		if own.Lacks(v.Digest) {
			return fmt.Errorf("%s holds batches that this store lacks", v.From.Name)
		}
		if !h.r.replica(h.ring, h.slice, v.From.Name) {
			continue
		}
		if v.TakingOver || v.Digest.Lacks(own) {
			return fmt.Errorf("%s does not hold all of it yet", v.From.Name)
		}
		if h.r.counts(v.From) {
			replicas++
		}
	}
	if replicas < h.r.Copies || !h.r.replica(h.ring, h.slice, h.self.Name) {
		return fmt.Errorf("%d of %d replicas hold it, or this store is none of them", replicas, h.r.Copies)
	}
	return nil
}
