package replica

import (
	"testing"
	"testing/synctest"
	"time"

	"flowring/internal/racetest"
	"flowring/node/replica/pace"
	"flowring/store"
)

// A node that owns an hour itself and has a slow disk leaves the write to the next store, if there is one and such
// writes are few.
func TestASlowDiskOfThisNodeIsGivenUp(t *testing.T) {
	for _, tt := range []struct {
		name   string
		nodes  []string
		budget bool
		within bool // the disk's time
	}{
		{"another store is there", []string{"a", "b"}, true, true},
		{"there is none", []string{"a"}, true, false},
		{"too many were slow before", []string{"a", "b"}, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				w := newWorld(tt.nodes...)
				s := w.sliceOf(t, "a")
				disk := newMemory()
				disk.gate = make(chan struct{})
				w.sites["a"].held = store.New(store.Config{}, store.Deps{Journal: disk})
				r := w.replicas(t, Config{Copies: 1, Quorum: 1})
				if !tt.budget {
					r.hedges = pace.NewBudget(0, 0)
				}
				go func() { time.Sleep(3 * time.Second); close(disk.gate) }()
				begun := time.Now()
				if _, err := r.Submit(t.Context(), posting(t, 1, s)); err != nil {
					t.Errorf("Submit = %v, want nil", err)
				}
				want := 3 * time.Second
				if tt.within {
					want = r.ownerHedgeAfter()
				}
				if took := time.Since(begun); took != want {
					t.Errorf("it took %v, want %v", took, want)
				}
				time.Sleep(3 * time.Second)
				synctest.Wait()
			})
		})
	}
}
