package underway

import (
	"testing"
	"testing/synctest"
	"time"

	"flowring/flow"
	"flowring/internal/racetest"
)

func TestAttemptsCountUntilTheirOutcomeIsKnown(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		r, request, other := New(10*time.Second), flow.ID{1}, flow.ID{65}
		want := func(n int, when string) {
			t.Helper()
			if got := r.Count(request); got != n {
				t.Errorf("%d attempts %s, want %d", got, when, n)
			}
		}
		r.Begin(flow.ID{})
		r.End(flow.ID{}, true)
		r.Begin(request)
		r.Begin(request)
		r.Begin(other)
		want(2, "under way")
		r.End(request, false)
		want(1, "after one has ended")
		r.End(request, true)
		time.Sleep(9 * time.Second)
		want(1, "9 s after an unknown outcome")
		r.End(other, true)
		time.Sleep(2 * time.Second)
		want(0, "11 s after an unknown outcome")
		if got := r.Count(other); got != 1 {
			t.Errorf("%d attempts of another request, want 1", got)
		}
		synctest.Wait()
	})
}
