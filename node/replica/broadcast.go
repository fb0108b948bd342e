package replica

import (
	"context"
	"fmt"
	"sync"
	"time"

	"flowring/ring/roster"
)

// peerCall is a call to the store at an address. done handles the answer.
type peerCall func(ctx context.Context, addr string) (from roster.Store, done func(), err error)

// callOthers calls every other store of the roster in parallel, each call within wait. It returns an error for each
// unreachable store, each failed call, and each address with another store. The done functions run one at a time.
func (r *Replicas) callOthers(ctx context.Context, wait time.Duration, call peerCall) (failed []error) {
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

func (r *Replicas) callStore(ctx context.Context, wait time.Duration, st roster.Store, call peerCall) (func(), error) {
	if !r.finder.Reachable(st.ID) {
		return nil, fmt.Errorf("%s is not heard", st.Name)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	from, done, err := call(ctx, r.Cluster.Addr(st.ID))
	return done, checkAnswer(st, from, err)
}

// checkAnswer returns an error unless a call succeeded and the called store has answered it.
func checkAnswer(called, from roster.Store, err error) error {
	if err == nil && from.ID != called.ID {
		return fmt.Errorf("%s holds another store now", called.Name)
	}
	return err
}

// countUnreachable returns the number of unreachable stores of the roster.
func (r *Replicas) countUnreachable() int {
	n := 0
	for _, st := range r.Cluster.Roster().Stores() {
		if !r.finder.Reachable(st.ID) {
			n++
		}
	}
	return n
}

// silentStores are the stores that were silent in a pass over many slices. The rest of the pass skips them, because
// each further call would wait for its timeout again. A nil pointer skips no store.
type silentStores struct {
	silent func(error) bool

	mu  sync.Mutex
	ids map[roster.StoreID]bool
}

func (r *Replicas) newSilentStores() *silentStores {
	return &silentStores{silent: r.Silent, ids: map[roster.StoreID]bool{}}
}

// note adds a store if the error of a call shows that it was silent.
func (s *silentStores) note(id roster.StoreID, err error) {
	if s == nil || !s.silent(err) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids[id] = true
}

// has reports whether the pass skips a store.
func (s *silentStores) has(id roster.StoreID) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ids[id]
}
