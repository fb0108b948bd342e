package replica

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"flowring/flow"
	"flowring/ring"
	"flowring/ring/roster"
	"flowring/store"
	"flowring/store/digest"
)

// pass is one pass of repair over all sources in parallel. A source is another store, and has two goroutines: one
// compares digests, so that the number of missing batches is known soon, and one fetches batches.
//
// Invariant: at most one source fetches a slice at a time. If another source fetches a slice, a source continues with
// its next slice and returns to this one later. By then the other source may have brought all of it. So a slow source
// does not delay a fast one.
type pass struct {
	r  *Replicas
	on *ring.Ring

	mu       sync.Mutex
	changed  *sync.Cond              // signalled when a slice is released, or the queue of a source changes
	sums     map[flow.Slice][16]byte // of this store's digests, as far as known
	fetching map[flow.Slice]bool     // slices under way from a source

	conflicts map[flow.Slice]bool // slices whose snapshots, here and at a source, cannot be merged
}

// source is another store in a pass. pass.mu guards its fields except summary.
type source struct {
	summary
	queue    []difference // to be fetched
	compared bool         // no more differences come
}

// difference is a slice of which a source holds batches that this store lacked at the comparison.
type difference struct {
	slice  flow.Slice
	theirs digest.Digest
}

func newPass(r *Replicas, on *ring.Ring, mine map[flow.Slice][16]byte) *pass {
	p := &pass{r: r, on: on, sums: maps.Clone(mine), fetching: map[flow.Slice]bool{}, conflicts: map[flow.Slice]bool{}}
	p.changed = sync.NewCond(&p.mu)
	return p
}

// run fetches this store's missing batches from all sources. It returns why some are still missing.
func (p *pass) run(ctx context.Context, theirs map[roster.StoreID]summary) error {
	var wg sync.WaitGroup
	errs := make([]error, len(theirs))
	for i, id := range slices.Sorted(maps.Keys(theirs)) {
		wg.Go(func() {
			if err := p.takeFrom(ctx, &source{summary: theirs[id]}); err != nil {
				errs[i] = fmt.Errorf("take over from %s: %w", theirs[id].from.Name, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// takeFrom compares digests and fetches batches in parallel. The pass leaves a source after its first silence, because
// each further call would wait for its timeout again.
func (p *pass) takeFrom(ctx context.Context, s *source) error {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	var compared, fetched error
	var wg sync.WaitGroup
	wg.Go(func() {
		defer p.update(func() { s.compared = true })
		compared = p.compareAll(ctx, s, leave)
	})
	wg.Go(func() {
		fetched = p.fetchAll(ctx, s)
		leave()
	})
	wg.Wait()
	return errors.Join(compared, fetched)
}

// update changes the state of the pass by fn, and wakes the waiting goroutines.
func (p *pass) update(fn func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fn()
	p.changed.Broadcast()
}

// compareAll queues the slices of which a source holds batches that this store lacks. It returns the last failure.
func (p *pass) compareAll(ctx context.Context, s *source, leave func()) (failed error) {
	for _, slice := range slices.SortedFunc(maps.Keys(s.sums), flow.Slice.Compare) {
		if p.r.Expired(slice.Hour) || !p.differs(s, slice) ||
			!p.r.shouldKeep(p.on, slice) && p.r.Store.Unreadable(slice) == 0 {
			continue
		}
		if err := p.compare(ctx, s, slice); err != nil && !p.r.Expired(slice.Hour) {
			failed = fmt.Errorf("compare %s: %w", slice, err)
		}
		if ctx.Err() != nil || p.r.Silent(failed) {
			leave()
			return failed
		}
	}
	return failed
}

// differs reports whether a source and this store hold different batches of a slice.
func (p *pass) differs(s *source, slice flow.Slice) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return s.sums[slice] != p.sums[slice]
}

func (p *pass) compare(ctx context.Context, s *source, slice flow.Slice) error {
	p.r.repair.moving.Add(1)
	defer p.r.repair.moving.Add(-1)
	own, err := p.r.Store.Digest(slice)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, p.r.CallWait)
	defer cancel()
	answer, err := p.r.Peers.Digest(ctx, s.addr, slice, "")
	if err != nil || !own.Lacks(answer.Digest) {
		return err
	}
	p.r.repair.backlog.Add(slice, answer.Digest, own)
	p.update(func() { s.queue = append(s.queue, difference{slice, answer.Digest}) })
	return nil
}

// fetchAll fetches the queue of a source until the comparison has ended. It returns the last failure.
func (p *pass) fetchAll(ctx context.Context, s *source) (failed error) {
	defer context.AfterFunc(ctx, func() { p.update(func() {}) })()
	for {
		d, ok := p.next(ctx, s)
		if !ok {
			return failed
		}
		err := p.fetch(ctx, s, d)
		p.update(func() { delete(p.fetching, d.slice) })
		if err != nil && !p.r.Expired(d.slice.Hour) {
			failed = fmt.Errorf("fetch %s: %w", d.slice, err)
		}
		if ctx.Err() != nil || p.r.Silent(failed) {
			return failed
		}
	}
}

// next takes the first slice of a source's queue that no other source fetches. It waits while one may come, and
// reports false if none can.
func (p *pass) next(ctx context.Context, s *source) (difference, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for ctx.Err() == nil && (len(s.queue) > 0 || !s.compared) {
		i := slices.IndexFunc(s.queue, func(d difference) bool { return !p.fetching[d.slice] })
		if i < 0 {
			p.changed.Wait()
			continue
		}
		d := s.queue[i]
		copy(s.queue[1:i+1], s.queue[:i]) // i is less than the number of sources
		s.queue = s.queue[1:]
		p.fetching[d.slice] = true
		return d, true
	}
	return difference{}, false
}

// fetch fetches the batches of a slice still missing here. Batches before a failure count.
func (p *pass) fetch(ctx context.Context, s *source, d difference) error {
	p.r.repair.moving.Add(1)
	defer p.r.repair.moving.Add(-1)
	own, err := p.r.Store.Digest(d.slice)
	if err == nil && own.Lacks(d.theirs) {
		err = p.r.fetch(ctx, s.addr, d.slice, own, &p.r.repair.pacer)
	}
	if errors.Is(err, store.ErrConflict) {
		p.noteConflict(s, d.slice, err)
	}
	now, failed := p.r.Store.Digest(d.slice)
	if failed == nil {
		p.r.repair.backlog.Remove(d.slice, now)
		p.update(func() { p.sums[d.slice] = now.Sum() })
	}
	return errors.Join(err, failed)
}

// noteConflict counts a slice whose snapshots no repair can merge. It reports the slice the first time, because an
// operator has to choose one.
func (p *pass) noteConflict(s *source, slice flow.Slice, err error) {
	p.mu.Lock()
	p.conflicts[slice] = true
	p.r.repair.conflicts.Store(int64(len(p.conflicts)))
	p.mu.Unlock()
	if _, reported := p.r.repair.reportedConflicts.LoadOrStore(slice, true); !reported {
		p.r.Log.Error("snapshots conflict", "slice", slice, "with", s.from.Name, "error", err)
	}
}

// finish removes batches from the backlog: all of them after a pass that heard every store, and otherwise the batches
// that have arrived or that this store need not keep.
func (p *pass) finish(heardAll bool) {
	for _, slice := range p.r.repair.backlog.Slices() {
		if heardAll || p.r.Expired(slice.Hour) || !p.r.shouldKeep(p.on, slice) {
			p.r.repair.backlog.Forget(slice)
		} else if own, err := p.r.Store.Digest(slice); err == nil {
			p.r.repair.backlog.Remove(slice, own)
		}
	}
}
