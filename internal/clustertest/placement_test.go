package clustertest

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/racetest"
)

// Nodes that are ready place hours equally, and know the versions of all stores, also at the moment at which the last one
// becomes ready. The owner of an hour marks the repeat of a request, whichever node is asked, and no query is refused.
func TestReadyNodesSendAnHourToOneOwner(t *testing.T) {
	for seed := range uint64(5) {
		for _, first := range []int{4, 2} { // nodes that found the cluster; the others join it later
			t.Run(fmt.Sprintf("seed %d, %d founders", seed, first), func(t *testing.T) {
				racetest.Bubble(t, func(t *testing.T) {
					c := New(t, Options{Seed: seed, Copies: 2, Expect: first})
					defer c.Close()
					for i, name := range letters[:4] {
						if i == first {
							c.mustTurnOn(t, agreeWithin)
						}
						c.Start(name)
						time.Sleep(time.Duration(seed) * 250 * time.Millisecond)
					}
					if err := c.WaitReady(30 * time.Second); err != nil {
						t.Fatal(err)
					}
					k := newCaller(t, c)
					for hour := range 5 {
						for i, name := range letters[:4] {
							status, replayed := k.postReplayed(name, hour, "s")
							if status != http.StatusOK || replayed != (i > 0) {
								t.Errorf("attempt %d for hour %d, at %s: %d, replayed: %t", i+1, hour, name, status, replayed)
							}
							if _, err := c.Node(name).Hours(t.Context(), 0, flow.Hour(hour)+1, contract.Ask{}); err != nil {
								t.Errorf("Hours at %s = %v", name, err)
							}
						}
					}
				})
			})
		}
	}
}
