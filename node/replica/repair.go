package replica

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/node/replica/backlog"
	"flowring/node/replica/pace"
	"flowring/ring"
	"flowring/ring/roster"
	"flowring/store/digest"
	"flowring/store/pack"
)

// repairState is the state of repair between its passes.
type repairState struct {
	settled atomic.Pointer[ring.Ring] // the last ring whose slices were all taken over; nil: none
	wake    chan struct{}
	pacer   pace.Pacer
	backlog backlog.Backlog // batches known to be missing here
	moving  atomic.Int64    // slices whose digests or batches are under way

	conflicts         atomic.Int64 // slices whose snapshots cannot be merged, in the last pass
	reportedConflicts sync.Map     // flow.Slice -> true

	// Of the goroutine of repairLoop. The sources of a pass only read absentSince.
	confirmed   map[flow.Slice]confirmation  // of slices to be dropped
	absentSince map[roster.StoreID]time.Time // of unreachable stores
}

func (s *repairState) init(before *ring.Ring) {
	s.wake = make(chan struct{}, 1)
	s.confirmed, s.absentSince = map[flow.Slice]confirmation{}, map[roster.StoreID]time.Time{}
	s.settled.Store(before)
}

// TakingOver reports whether this store is a replica of the slice by the present ring, and was none by the last ring
// taken over completely. Batches of the former replicas may be missing here.
func (r *Replicas) TakingOver(s flow.Slice) bool {
	settled, name := r.repair.settled.Load(), r.Cluster.Self().Name
	return r.isReplica(r.Cluster.Ring(), s, name) && (settled == nil || !r.isReplica(settled, s, name))
}

// Settled reports whether all slices of the present ring are taken over.
func (r *Replicas) Settled() bool {
	settled := r.repair.settled.Load()
	return settled != nil && settled.Version() == r.Cluster.Ring().Version()
}

// Progress returns the number of slices under repair at this moment, and the number of batches known to be missing
// here.
func (r *Replicas) Progress() (moving int, behind int64) {
	return int(r.repair.moving.Load()), r.repair.backlog.Batches()
}

// Conflicts returns the number of slices whose snapshots, here and elsewhere, cannot be merged.
func (r *Replicas) Conflicts() int64 { return r.repair.conflicts.Load() }

// Wake starts a pass of repair now, because the roster or the set of live nodes has changed.
func (r *Replicas) Wake() {
	select {
	case r.repair.wake <- struct{}{}:
	default:
	}
}

func (r *Replicas) repairLoop() {
	for r.ctx.Err() == nil {
		if err := r.Repair(r.ctx); err != nil && r.ctx.Err() == nil {
			r.Log.Debug("repair", "error", err)
		}
		r.recover(r.ctx)
		select {
		case <-time.After(r.RepairEvery):
		case <-r.repair.wake:
		case <-r.ctx.Done():
		}
	}
}

// Repair makes one pass. It fetches missing batches of this store's slices from other stores, and hands over other
// slices. It returns an error if some store did not answer or some batch could not be fetched.
func (r *Replicas) Repair(ctx context.Context) error {
	on := r.Cluster.Ring()
	mine, err := r.Summary()
	if err != nil {
		return fmt.Errorf("own summary: %w", err)
	}
	theirs, failed := r.summaries(ctx)
	r.noteAbsence()
	r.repair.conflicts.Store(0)
	p := newPass(r, on, mine)
	failed = errors.Join(failed, p.run(ctx, theirs))
	p.finish(failed == nil)
	if failed == nil && r.Cluster.Ring().Version() == on.Version() {
		r.settle(on)
	}
	r.handOver(ctx, on, mine)
	return failed
}

// Summary returns a hash of the digest of every slice of this store.
func (r *Replicas) Summary() (map[flow.Slice][16]byte, error) {
	sums := map[flow.Slice][16]byte{}
	for _, s := range r.Store.Slices() {
		d, err := r.Store.Digest(s)
		if errors.Is(err, contract.Expired) { // a moment ago
			continue
		}
		if err != nil {
			return nil, err
		}
		sums[s] = d.Sum()
	}
	return sums, nil
}

// settle marks a ring as taken over completely.
func (r *Replicas) settle(on *ring.Ring) {
	old := r.repair.settled.Swap(on)
	if (old == nil || old.Version() != on.Version()) && r.RingSettled != nil {
		r.RingSettled(on)
	}
}

// summary is the hashes of the digests of another store.
type summary struct {
	from roster.Store
	addr string
	sums map[flow.Slice][16]byte
}

// summaries asks every other store of the roster for its summary. It returns an error if one did not answer.
func (r *Replicas) summaries(ctx context.Context) (map[roster.StoreID]summary, error) {
	all := map[roster.StoreID]summary{}
	failed := r.callOthers(ctx, r.CallWait, func(ctx context.Context, addr string) (roster.Store, func(), error) {
		from, sums, err := r.Peers.Summary(ctx, addr)
		return from, func() { all[from.ID] = summary{from, addr, sums} }, err
	})
	return all, errors.Join(failed...)
}

// noteAbsence notes the unreachable stores. A node counts the absence of all others from its own start at the
// earliest.
func (r *Replicas) noteAbsence() {
	for _, st := range r.Cluster.Roster().Stores() {
		if r.finder.Reachable(st.ID) {
			delete(r.repair.absentSince, st.ID)
		} else if r.repair.absentSince[st.ID].IsZero() {
			r.repair.absentSince[st.ID] = time.Now()
		}
	}
}

// isAbsent reports whether a store has been unreachable for StandInAfter, so another store keeps copies in its place.
// A restart ends earlier and moves nothing (P8).
func (r *Replicas) isAbsent(id roster.StoreID) bool {
	since := r.repair.absentSince[id]
	return !since.IsZero() && time.Since(since) >= r.StandInAfter
}

// shouldKeep reports whether this store is one of the first R candidates of the slice that are not absent: the next
// candidate stands in for an absent replica.
func (r *Replicas) shouldKeep(on *ring.Ring, s flow.Slice) bool {
	roster, self := r.Cluster.Roster(), r.Cluster.Self()
	present := 0
	for _, name := range on.Candidates(s) {
		if name == self.Name {
			return true
		}
		if st, ok := r.finder.StoreOf(roster, name); ok && !r.isAbsent(st.ID) {
			present++
		}
		if present == r.Copies {
			return false
		}
	}
	return false
}

// fetch gets the batches of a slice from the store at addr, without the batches of have, and stores them here. A nil
// pacer does not slow it down.
func (r *Replicas) fetch(ctx context.Context, addr string, s flow.Slice, have digest.Digest, pacer *pace.Pacer) error {
	in := r.Store.Intake(s)
	defer in.Close()
	return r.Peers.Missing(ctx, addr, s, have, func(frame []byte) error {
		if err := in.Add(frame); err != nil {
			return err
		}
		r.metrics.fetched.Add(int64(pack.Count(frame)))
		if pacer == nil {
			return nil
		}
		return pacer.Wait(ctx, len(frame), r.RepairBytes)
	})
}
