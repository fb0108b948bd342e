package replica

import (
	"errors"
	"time"

	"flowring/internal/safeguard"
	"flowring/node/replica/pace"
	"flowring/store"
)

// scrubLoop reads the whole journal after the start and then each ScrubEvery. Otherwise damage to an hour without
// readers could stay hidden until the other copies are gone.
func (r *Replicas) scrubLoop() {
	if r.Disabled.Has(safeguard.Scrub) {
		return
	}
	for r.ctx.Err() == nil {
		if r.scrub() {
			r.Log.Info("journal read through", "unreadable", r.Store.AllUnreadable())
		}
		if r.scrubbing.Swap(false) {
			r.Wake() // recovery waits for the first pass
		}
		select {
		case <-time.After(r.ScrubEvery):
		case <-r.ctx.Done():
		}
	}
}

// scrub makes one pass, at the rate of repair, and reports whether it read everything. Repair fetches the unreadable
// batches.
func (r *Replicas) scrub() (whole bool) {
	whole = true
	var pacer pace.Pacer
	for _, s := range r.Store.Slices() {
		n, err := r.Store.Scrub(s)
		switch {
		case errors.Is(err, store.ErrUnreadable) && r.Fail != nil:
			r.Fail(err)
			return false
		case err != nil:
			whole = false
			r.Log.Debug("scrub", "slice", s, "error", err)
		}
		if r.Store.Unreadable(s) > 0 {
			r.Wake()
		}
		if pacer.Wait(r.ctx, n, r.RepairBytes) != nil {
			return false
		}
	}
	return whole
}
