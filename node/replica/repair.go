package replica

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"flowring/flow"
	"flowring/node/replica/backlog"
	"flowring/node/replica/pace"
	"flowring/ring"
	"flowring/ring/roster"
	"flowring/store/digest"
)

// repairState is what repair knows.
type repairState struct {
	settled atomic.Pointer[ring.Ring] // the last ring whose slices were all taken over; nil: none
	wake    chan struct{}
	pace    pace.Pacer
	moving  atomic.Int64 // slices that are being compared in full

	conflicts atomic.Int64 // slices of which another store has a snapshot that cannot be merged, at the last look

	backlog backlog.Backlog

	mu          sync.Mutex
	conflicting map[flow.Slice]bool // conflicts that were reported

	// Of the goroutine that repairs. The sources of a pass read missed, which does not change meanwhile.
	confirmed map[flow.Slice]confirmation  // what replicas confirmed of slices to be dropped
	missed    map[roster.StoreID]time.Time // since when a store is missed
}

func (s *repairState) init(before *ring.Ring) {
	s.wake = make(chan struct{}, 1)
	s.confirmed, s.conflicting = map[flow.Slice]confirmation{}, map[flow.Slice]bool{}
	s.missed = map[roster.StoreID]time.Time{}
	s.settled.Store(before)
}

// TakingOver reports whether this store is a replica of the slice that was not one by the last ring it has taken over in full:
// what the former replicas hold may not be here yet.
func (r *Replicas) TakingOver(s flow.Slice) bool {
	settled, name := r.repair.settled.Load(), r.Cluster.Self().Name
	return r.replica(r.Cluster.Ring(), s, name) && (settled == nil || !r.replica(settled, s, name))
}

// Progress returns how many slices repair is comparing in full, and how many batches are known to be missing here.
func (r *Replicas) Progress() (moving int, behind int64) {
	return int(r.repair.moving.Load()), r.repair.backlog.Batches()
}

// Wake makes repair look at once: the roster or the set of live nodes changed.
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

// Repair makes one pass: it fetches what other stores hold of this store's slices and hands over what does not belong here. It
// returns an error if some store could not be asked or some batch not be fetched.
func (r *Replicas) Repair(ctx context.Context) error {
	on := r.Cluster.Ring()
	mine, err := r.Summary()
	if err != nil {
		return fmt.Errorf("own summary: %w", err)
	}
	theirs, failed := r.summaries(ctx)
	r.noteMissed()
	r.repair.conflicts.Store(0)
	p := newPass(r, on, mine)
	failed = errors.Join(failed, p.run(ctx, theirs))
	p.end(failed == nil)
	if failed == nil && r.Cluster.Ring().Version() == on.Version() {
		r.settle(on)
	}
	r.handOver(ctx, on, mine)
	return failed
}

// Summary returns a hash of the digest of every slice held here.
func (r *Replicas) Summary() (map[flow.Slice][16]byte, error) {
	sums := map[flow.Slice][16]byte{}
	for _, s := range r.Store.Slices() {
		d, err := r.Store.Digest(s)
		if err != nil {
			return nil, err
		}
		sums[s] = d.Sum()
	}
	return sums, nil
}

// settle notes that every slice of the ring was taken over.
func (r *Replicas) settle(on *ring.Ring) {
	old := r.repair.settled.Swap(on)
	if (old == nil || old.Version() != on.Version()) && r.Settled != nil {
		r.Settled(on)
	}
}

// summary is what one store holds.
type summary struct {
	from roster.Store
	addr string
	sums map[flow.Slice][16]byte
}

// summaries asks every other store of the roster what it holds. The error says that one did not answer.
func (r *Replicas) summaries(ctx context.Context) (map[roster.StoreID]summary, error) {
	all := map[roster.StoreID]summary{}
	failed := r.everyOther(ctx, r.CallWait, func(ctx context.Context, addr string) (roster.Store, func(), error) {
		from, sums, err := r.Peers.Summary(ctx, addr)
		return from, func() { all[from.ID] = summary{from, addr, sums} }, err
	})
	return all, errors.Join(failed...)
}

// noteMissed notes which stores are missed. To a node that starts all others are, and so are not missed for long.
func (r *Replicas) noteMissed() {
	for _, st := range r.Cluster.Roster().Stores() {
		if r.reachable(st.ID) {
			delete(r.repair.missed, st.ID)
		} else if r.repair.missed[st.ID].IsZero() {
			r.repair.missed[st.ID] = time.Now()
		}
	}
}

// absent reports whether a store has been missed for so long that another one keeps copies in its place: a restart is over by then, and
// moves nothing (P8).
func (r *Replicas) absent(id roster.StoreID) bool {
	since := r.repair.missed[id]
	return !since.IsZero() && time.Since(since) >= r.StandInAfter
}

// Conflicts returns of how many slices another store has a snapshot that cannot be merged with the one here.
func (r *Replicas) Conflicts() int64 { return r.repair.conflicts.Load() }

// keeps reports whether this store is one of the slice's first R live stores: where a replica is absent the next one stands in.
func (r *Replicas) keeps(on *ring.Ring, s flow.Slice) bool {
	roster, self := r.Cluster.Roster(), r.Cluster.Self()
	live := 0
	for _, name := range on.Candidates(s) {
		if name == self.Name {
			return true
		}
		if st, ok := r.storeOf(roster, name); ok && !r.absent(st.ID) {
			live++
		}
		if live == r.Copies {
			return false
		}
	}
	return false
}

// fetch gets what the store at addr holds of a slice and have lacks, and keeps it here.
func (r *Replicas) fetch(ctx context.Context, addr string, s flow.Slice, have digest.Digest, pacer *pace.Pacer) error {
	in := r.Store.Intake(s)
	defer in.Close()
	return r.Peers.Missing(ctx, addr, s, have, func(frame []byte) error {
		if err := in.Add(frame); err != nil {
			return err
		}
		r.metrics.fetched.Add(1)
		if pacer == nil {
			return nil
		}
		return pacer.Wait(ctx, len(frame), r.RepairBytes)
	})
}
