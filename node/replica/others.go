package replica

import (
	"context"
	"fmt"
	"sync"
	"time"

	"flowring/ring/roster"
)

// everyOther calls every other store of the roster that is heard, in parallel, each within wait, and returns why those failed that
// did: they were not heard, the call failed, or another store answered it. done is called with one answer at a time.
func (r *Replicas) everyOther(
	ctx context.Context, wait time.Duration,
	call func(ctx context.Context, addr string) (from roster.Store, done func(), err error),
) (failed []error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	self := r.Cluster.Self().ID
	for _, st := range r.Cluster.Roster().Stores() {
		if st.ID == self {
			continue
		}
		wg.Go(func() {
			done, err := r.callStore(ctx, wait, st, call)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = append(failed, err)
				return
			}
			done()
		})
	}
	wg.Wait()
	return failed
}

// unreachable returns how many of the other stores of the roster are not heard.
func (r *Replicas) unreachable() int {
	n := 0
	for _, st := range r.Cluster.Roster().Stores() {
		if !r.reachable(st.ID) {
			n++
		}
	}
	return n
}

func (r *Replicas) callStore(
	ctx context.Context, wait time.Duration, st roster.Store,
	call func(ctx context.Context, addr string) (roster.Store, func(), error),
) (func(), error) {
	if !r.reachable(st.ID) {
		return nil, fmt.Errorf("%s is not heard", st.Name)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	from, done, err := call(ctx, r.Cluster.Addr(st.ID))
	return done, answered(st, from, err)
}

// answered returns why the answer to a call is not that of the store: it failed, or another store answers at the address.
func answered(st, from roster.Store, err error) error {
	if err == nil && from.ID != st.ID {
		return fmt.Errorf("%s holds another store now", st.Name)
	}
	return err
}

// silences are the stores that were silent once in a pass over many slices. The rest of the pass leaves them out: each further call
// would only wait for its limit again. A nil pointer leaves out none.
type silences struct {
	unheard func(error) bool

	mu sync.Mutex
	of map[roster.StoreID]bool
}

func (r *Replicas) newSilences() *silences {
	return &silences{unheard: r.Unheard, of: map[roster.StoreID]bool{}}
}

// note takes in how a call to a store failed.
func (s *silences) note(id roster.StoreID, err error) {
	if s == nil || !s.unheard(err) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of[id] = true
}

// has reports whether a store is left out.
func (s *silences) has(id roster.StoreID) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of[id]
}
