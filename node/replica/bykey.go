package replica

import (
	"context"
	"errors"
	"fmt"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/node/replica/candidates"
	"flowring/node/replica/late"
	"flowring/node/replica/owners"
	"flowring/store/digest"
)

// HeldByKey returns the number of batches that counted as stored because this owner held others with their keys.
func (r *Replicas) HeldByKey() int64 { return r.byKey.Held() }

// submitByKey stores the batches of a posting of which the key and the hour decide. The parts do not depend on each
// other, so no check of the whole posting comes first. While a store of the cluster speaks an older version, a batch
// whose key is held with other content fails.
func (r *Replicas) submitByKey(ctx context.Context, batches []flow.Written) (replayed bool, err error) {
	if compat.ByKey.On(r.Cluster.Version()) && !r.Disabled.Has(safeguard.ByKey) {
		if len(batches) == 1 {
			return r.withFailover(ctx, batches[0], r.admitByKeyAt, 0)
		}
		return r.atOwners(ctx, batches, r.admitByKeyAt)
	}
	replayed, err = r.submit(ctx, batches)
	if errors.Is(err, contract.KeyReused) {
		return false, &contract.UnavailableError{Err: err, Reason: fmt.Sprintf(
			"the request is stored as another mapping made it; its parts can be told apart once all stores speak version %d",
			compat.ByKey)}
	}
	return replayed, err
}

// submitKnownByKey stores the batches of a known posting of which the key and the hour decide, some of closed hours.
func (r *Replicas) submitKnownByKey(ctx context.Context, batches []flow.Written) (replayed bool, err error) {
	known := r.Cluster.Roster()
	return owners.InParallel(ctx, len(batches), func(ctx context.Context, i int) (bool, error) {
		admit := r.admitByKeyAt
		if known.Closes(batches[i].Slice.Hour) {
			admit = r.admitKnownByKeyAt
		}
		return r.withFailover(ctx, batches[i], admit, 0)
	})
}

func (r *Replicas) admitByKeyAt(ctx context.Context, to candidates.Candidate, batches []flow.Written) (bool, error) {
	return r.callAdmitByKey(ctx, to, false, batches)
}

// admitKnownByKeyAt admits a part of a known posting.
func (r *Replicas) admitKnownByKeyAt(
	ctx context.Context, to candidates.Candidate, batches []flow.Written,
) (bool, error) {
	return r.callAdmitByKey(ctx, to, true, batches)
}

func (r *Replicas) callAdmitByKey(
	ctx context.Context, to candidates.Candidate, known bool, batches []flow.Written,
) (bool, error) {
	if to.Self {
		return r.AdmitByKey(ctx, known, batches)
	}
	return r.Peers.AdmitByKey(ctx, to.Addr, known, owners.Encoded(batches)...)
}

// AdmitByKey is Admit for batches of which the key and the hour decide. A batch counts as stored if this store holds
// one with the same key in the slice. The batch that is held is on W stores then, as the acknowledgement promises (P1).
//
// known: an earlier attempt stored a part of the posting. Neither a closed hour nor the limits of an hour refuse the
// rest.
//
// This store takes the batches before the others do. So of two attempts with different content, of which the first may
// be under way still, this owner takes one.
func (r *Replicas) AdmitByKey(ctx context.Context, known bool, batches []flow.Written) (allReplayed bool, err error) {
	r.late.UnderWay.Begin(batches[0].Key)
	defer func() { r.late.UnderWay.End(batches[0].Key, err != nil && !late.RefusedWhole(err)) }()
	if err := r.mayAdmit(); err != nil {
		return false, err
	}
	if !known {
		if err := r.checkClosed(batches); err != nil {
			return false, err
		}
	}
	taken, err := r.byKey.Take(r.Store, known, batches)
	if err != nil {
		return false, err
	}
	if len(taken.Stored) > 0 {
		if err := r.writer.Replicate(ctx, taken.Stored); err != nil {
			return false, err
		}
	}
	for _, b := range taken.Held {
		if err := r.haveCopies(ctx, b.Slice); err != nil {
			return false, err
		}
	}
	return taken.Replayed, nil
}

// haveCopies makes sure that each batch that this store holds of a slice is on W stores. A read does that.
func (r *Replicas) haveCopies(ctx context.Context, s flow.Slice) error {
	if r.Disabled.Has(safeguard.HeldCopies) {
		return nil
	}
	reading, err := r.Read(ctx, s, func(digest.Digest) bool { return true })
	if err != nil {
		return err
	}
	if reading.Completeness != contract.Complete {
		return &contract.UnavailableError{
			Reason: "the request is stored, and too few stores confirm that they have it", Stores: reading.Silent,
		}
	}
	return nil
}
