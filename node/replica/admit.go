package replica

import (
	"context"
	"fmt"
	"slices"
	"time"

	"flowring/flow"
	"flowring/internal/safeguard"
	"flowring/ring"
)

// Check is what the owner asks before it admits batches: it returns the first refusal, and otherwise whether all were seen before.
func (r *Replicas) Check(batches []flow.Written) (allReplayed bool, err error) {
	return r.Store.Check(batches...)
}

// Admit is the owner's part of a write: it refuses what must be refused, and otherwise stores each batch on R stores and returns
// once W of them have it on disk. It does the same for a batch that was seen before: the earlier attempt may have stopped short
// of W. When it fails, some of the batches may be stored.
//
// With checked set they are part of a posting that was checked as a whole: limits on how much an hour may hold do not refuse a part of
// it.
func (r *Replicas) Admit(ctx context.Context, checked bool, batches []flow.Written) (allReplayed bool, err error) {
	if r.Refuse != nil {
		if err := r.Refuse(); err != nil {
			return false, err
		}
	}
	if err := r.enough(); err != nil {
		return false, err
	}
	if len(batches) == 1 {
		return r.admitOne(ctx, checked, batches[0])
	}
	return sideBySide(ctx, len(batches), func(ctx context.Context, i int) (bool, error) {
		return r.admitOne(ctx, checked, batches[i])
	})
}

func (r *Replicas) admitOne(ctx context.Context, checked bool, b flow.Written) (replayed bool, err error) {
	check := r.Store.Check
	if checked {
		check = r.Store.CheckAgain
	}
	replayed, err = check(b)
	if err != nil {
		return false, err
	}
	return replayed, r.replicate(ctx, b.Batch, b.Bytes)
}

// enough returns an error when a write could only fail, since fewer than W stores that count are there, this one included: better at
// once than after the time that others are waited for, and before the batch is on this store's disk alone.
func (r *Replicas) enough() error {
	there := 0
	self, roster := r.Cluster.Self(), r.Cluster.Roster()
	if st, ok := roster.Get(self.ID); ok && st.Counts() {
		there++
	}
	fail := &UnavailableError{}
	for i := 0; there < r.Quorum && i < roster.Len(); i++ {
		st := roster.At(i)
		if !st.Counts() || st.ID == self.ID {
			continue
		}
		if addr := r.Cluster.Addr(st.ID); addr != "" && !r.Peers.Gone(addr) {
			there++
		} else {
			fail.Silent = appendNew(fail.Silent, st.Name)
		}
	}
	if there >= r.Quorum || r.Without.Off(safeguard.Quorum) || r.Without.Off(safeguard.RefuseEarly) {
		return nil
	}
	slices.Sort(fail.Silent)
	fail.Reason = fmt.Sprintf("%d of the %d stores that the write quorum asks for are heard", there, r.Quorum)
	if there == 0 && len(fail.Silent) == 0 {
		fail.Reason = "the cluster has no established store yet"
	}
	return fail
}

// Apply keeps a batch here for a write. An ID held under another dot is as good as held: the dot matters between digests alone.
func (r *Replicas) Apply(b *flow.Batch, encoded []byte) error {
	return r.Store.Apply(flow.Written{Batch: b, Bytes: encoded})
}

// ack is a store's answer to a batch sent to it.
type ack struct {
	from ring.Store
	at   place
	err  error
}

// replicate sends a batch to its R replicas at once and returns when W stores have it. One that fails is replaced by the next in
// the list at once, one that is slow is doubled by it. The others go on behind the answer.
func (r *Replicas) replicate(ctx context.Context, b *flow.Batch, encoded []byte) error {
	places := r.places(b.Slice)
	acks := make(chan ack, len(places.owners))
	q := queue{places: places, launch: func(at place) {
		if !r.behind(func() {
			from, err := r.applyAt(at, b, encoded)
			acks <- ack{from, at, err}
		}) {
			acks <- ack{at: at, err: errStopped}
		}
	}}
	for len(q.asked) < r.Copies && q.next() {
	}
	timer := time.NewTimer(r.HedgeAfter)
	defer timer.Stop()
	r.hedges.earn()
	quorum := r.Quorum
	if r.Without.Off(safeguard.Quorum) {
		quorum = 1
	}
	// The next batch with this key, or of these flows, is judged here: it must find this one (P3, P14).
	own := slices.ContainsFunc(q.asked, func(p place) bool { return p.self })
	held := map[ring.StoreID]ring.Store{}
	fail := &UnavailableError{}
	for done := 0; done < len(q.asked) || q.next(); {
		select {
		case a := <-acks:
			done++
			own = own && !a.at.self
			if a.err != nil {
				fail.add(a.at, a.err)
				if !own && r.counting(held) >= quorum {
					return nil
				}
				q.next()
				continue
			}
			held[a.from.ID] = a.from
			if !own && r.counting(held) >= quorum {
				return nil
			}
			if !r.counts(a.from) { // it has the batch, but is not on the roster of a later read
				q.next()
			}
		case <-timer.C:
			if r.hedges.spend() {
				q.next()
			}
			timer.Reset(r.HedgeAfter)
		case <-ctx.Done():
			fail.Err = context.Cause(ctx)
			return fail.short(r.counting(held), r.Quorum)
		}
	}
	return fail.short(r.counting(held), r.Quorum)
}

// counting returns how many of the stores that have a batch count, by the roster as it is now: an answer may bring the news that a
// store which answered before it is leaving.
func (r *Replicas) counting(held map[ring.StoreID]ring.Store) int {
	n := 0
	for _, s := range held {
		if r.counts(s) || s.Established && !s.Leaving && r.Without.Off(safeguard.CountLast) {
			n++
		}
	}
	return n
}

// short says that too few stores acknowledged.
func (e *UnavailableError) short(acks, quorum int) error {
	e.Reason = fmt.Sprintf("%d of the %d stores that the write quorum asks for acknowledged", acks, quorum)
	return e
}

// applyAt keeps a batch at one place. It is bounded by the life of this node, not of the request: what was begun goes on behind
// the answer, so that R copies exist soon.
func (r *Replicas) applyAt(at place, b *flow.Batch, encoded []byte) (ring.Store, error) {
	if at.self {
		return r.Cluster.Self(), r.Apply(b, encoded)
	}
	ctx, cancel := context.WithTimeout(r.ctx, r.CallWait)
	defer cancel()
	return r.Peers.Apply(ctx, at.addr, encoded)
}
