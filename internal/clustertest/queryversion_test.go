package clustertest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"flowring/internal/contract"
	"flowring/internal/racetest"
)

// During an upgrade a query is refused, and the refusal names the stores that hold it back. Afterwards it is answered.
func TestQueriesWaitForTheEndOfAnUpgrade(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := formed(t, 3, Options{Copies: 3, Quorum: 2, Newest: 1})
		a := &asker{t: t, c: c, rng: c.rng}
		a.post(20)
		names := c.Names()
		for i, name := range names {
			c.upgrade(t, name, 2)
			time.Sleep(5 * time.Second)
			for _, at := range names {
				rows, err := c.Node(at).Query(t.Context(), everything(), contract.Ask{})
				if i == len(names)-1 {
					if err != nil {
						t.Fatalf("Query at %s after the upgrade = %v", at, err)
					}
					rows.Close()
					continue
				}
				holders := strings.Join(names[i+1:], ", ")
				if !errors.As(err, new(*contract.UnavailableError)) || !strings.HasSuffix(err.Error(), "older one: "+holders) {
					t.Errorf("Query at %s with %d upgraded nodes = %v, want a refusal that names %s", at, i+1, err, holders)
				}
			}
		}
	})
}
