package replica

import (
	"context"

	"flowring/flow"
	"flowring/internal/trace"
	"flowring/node/replica/candidates"
	"flowring/node/replica/coalesce"
	"flowring/node/replica/owners"
	"flowring/ring/roster"
)

// Apply stores batches here. A batch whose ID is held under another dot counts as stored, because dots matter only
// between digests.
func (r *Replicas) Apply(batches []flow.Written) error { return r.Store.Apply(batches...) }

// send sends a write to a store, in a call that other writes share.
func (r *Replicas) send(to candidates.Candidate, w coalesce.Writes, done coalesce.Result) {
	r.coalescer.Send(to.ID, to, w, done)
}

// applyAt stores batches at one store. It may outlive the request, because R copies should exist soon after the
// answer.
func (r *Replicas) applyAt(to candidates.Candidate, w coalesce.Writes) (roster.Store, error) {
	if to.Self {
		return r.Cluster.Self(), r.Apply(w.Batches)
	}
	ctx, cancel := context.WithTimeout(trace.WithAll(r.ctx, w.Requests), r.CallWait)
	defer cancel()
	return r.Peers.Apply(ctx, to.Addr, owners.Encoded(w.Batches)...)
}
