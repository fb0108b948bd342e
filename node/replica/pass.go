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

// pass is one pass of repair over all sources side by side. Each source is a store that holds slices which this one is to keep, and
// has two goroutines: one compares digests, so that it is soon known how much is missing, and one fetches.
//
// Invariant: at most one source fetches a slice at a time. A source that finds a slice taken goes on with its next one, and comes back
// to this one later: by then the other source may have brought all of it. So a slow source does not delay a good one.
type pass struct {
	r  *Replicas
	on *ring.Ring

	mu      sync.Mutex
	changed *sync.Cond              // signalled when a slice is released, and when a source has more to do or less
	sums    map[flow.Slice][16]byte // of what is held here, as far as known
	taken   map[flow.Slice]bool     // a source fetches it

	conflicts map[flow.Slice]bool // another store has a snapshot that cannot be merged with the one here
}

// source is one store in a pass. Its fields but summary are guarded by pass.mu.
type source struct {
	summary
	queue []difference // to be fetched
	done  bool         // no more differences come
}

// difference is a slice of which a source holds batches that this store lacked when it asked.
type difference struct {
	slice flow.Slice
	said  digest.Digest
}

func newPass(r *Replicas, on *ring.Ring, mine map[flow.Slice][16]byte) *pass {
	p := &pass{r: r, on: on, sums: maps.Clone(mine), taken: map[flow.Slice]bool{}, conflicts: map[flow.Slice]bool{}}
	p.changed = sync.NewCond(&p.mu)
	return p
}

// run takes from all sources what they hold, this store lacks and is to keep. It returns why something is still missing.
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

// takeFrom compares and fetches side by side. A source that is silent once is left for this pass, because each further call would only
// wait for its limit again.
func (p *pass) takeFrom(ctx context.Context, s *source) error {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	var compared, fetched error
	var wg sync.WaitGroup
	wg.Go(func() {
		defer p.change(func() { s.done = true })
		compared = p.compareAll(ctx, s, leave)
	})
	wg.Go(func() {
		fetched = p.fetchAll(ctx, s)
		leave()
	})
	wg.Wait()
	return errors.Join(compared, fetched)
}

// change changes what goroutines of the pass wait for.
func (p *pass) change(fn func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fn()
	p.changed.Broadcast()
}

// compareAll queues the slices of which a source holds what this store lacks. It returns the last failure.
func (p *pass) compareAll(ctx context.Context, s *source, leave func()) (failed error) {
	for _, slice := range slices.SortedFunc(maps.Keys(s.sums), flow.Slice.Compare) {
		if !p.differs(s, slice) || !p.r.keeps(p.on, slice) && p.r.Store.Unreadable(slice) == 0 {
			continue
		}
		if err := p.compare(ctx, s, slice); err != nil {
			failed = fmt.Errorf("compare %s: %w", slice, err)
		}
		if ctx.Err() != nil || p.r.Unheard(failed) {
			leave()
			return failed
		}
	}
	return failed
}

// differs reports whether a source holds something else of a slice than this store.
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
	said, err := p.r.Peers.Digest(ctx, s.addr, slice, "")
	if err != nil || !own.Lacks(said.Digest) {
		return err
	}
	p.r.repair.backlog.Add(slice, said.Digest, own)
	p.change(func() { s.queue = append(s.queue, difference{slice, said.Digest}) })
	return nil
}

// fetchAll fetches what is queued of a source until nothing more comes. It returns the last failure.
func (p *pass) fetchAll(ctx context.Context, s *source) (failed error) {
	defer context.AfterFunc(ctx, func() { p.change(func() {}) })()
	for {
		d, ok := p.next(ctx, s)
		if !ok {
			return failed
		}
		err := p.fetch(ctx, s, d)
		p.change(func() { delete(p.taken, d.slice) })
		if err != nil {
			failed = fmt.Errorf("fetch %s: %w", d.slice, err)
		}
		if ctx.Err() != nil || p.r.Unheard(failed) {
			return failed
		}
	}
}

// next takes the first slice of a source's queue that no other source fetches. It waits while there may be one. It reports whether
// there is one.
func (p *pass) next(ctx context.Context, s *source) (difference, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for ctx.Err() == nil && (len(s.queue) > 0 || !s.done) {
		i := slices.IndexFunc(s.queue, func(d difference) bool { return !p.taken[d.slice] })
		if i < 0 {
			p.changed.Wait()
			continue
		}
		d := s.queue[i]
		copy(s.queue[1:i+1], s.queue[:i]) // i is less than the number of sources
		s.queue = s.queue[1:]
		p.taken[d.slice] = true
		return d, true
	}
	return difference{}, false
}

// fetch fetches what this store still lacks of a slice that is taken. What came before a failure counts.
func (p *pass) fetch(ctx context.Context, s *source, d difference) error {
	p.r.repair.moving.Add(1)
	defer p.r.repair.moving.Add(-1)
	own, err := p.r.Store.Digest(d.slice)
	if err == nil && own.Lacks(d.said) {
		err = p.r.fetch(ctx, s.addr, d.slice, own, &p.r.repair.pace)
	}
	if errors.Is(err, store.ErrConflict) {
		p.conflict(s, d.slice, err)
	}
	now, failed := p.r.Store.Digest(d.slice)
	if failed == nil {
		p.r.repair.backlog.Remove(d.slice, now)
		p.change(func() { p.sums[d.slice] = now.Sum() })
	}
	return errors.Join(err, failed)
}

// conflict counts a slice that no repair can make one, and reports it the first time: an operator has to choose.
func (p *pass) conflict(s *source, slice flow.Slice, err error) {
	p.mu.Lock()
	p.conflicts[slice] = true
	p.r.repair.conflicts.Store(int64(len(p.conflicts)))
	p.mu.Unlock()
	if p.r.repair.firstConflict(slice) {
		p.r.Log.Error("snapshots conflict", "slice", slice, "with", s.from.Name, "error", err)
	}
}

// end forgets what is no longer known to be missing: all of it after a pass that heard every store, and else what is here by now or
// need not be.
func (p *pass) end(whole bool) {
	for _, slice := range p.r.repair.backlog.Slices() {
		if whole || !p.r.keeps(p.on, slice) {
			p.r.repair.backlog.Forget(slice)
		} else if own, err := p.r.Store.Digest(slice); err == nil {
			p.r.repair.backlog.Remove(slice, own)
		}
	}
}

// firstConflict reports whether the slice's conflict is reported for the first time.
func (s *repairState) firstConflict(slice flow.Slice) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.conflicting[slice]
	s.conflicting[slice] = true
	return !before
}
