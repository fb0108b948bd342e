package clustertest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/flow/query/naive"
	"flowring/internal/contract"
	"flowring/internal/racetest"
)

// During an upgrade a query is refused, and the refusal names the stores that hold it back. Afterwards it is answered. A
// GET of an hour is complete and exact at each node all the time (P4).
func TestQueriesWaitForTheEndOfAnUpgrade(t *testing.T) {
	for _, n := range []int{1, 4} {
		t.Run(fmt.Sprintf("%d slices", n), func(t *testing.T) { queriesWaitForTheEndOfAnUpgrade(t, n) })
	}
}

func queriesWaitForTheEndOfAnUpgrade(t *testing.T, slicesOfHour int) {
	racetest.Bubble(t, func(t *testing.T) {
		c := formed(t, 3, Options{Copies: 3, Quorum: 2, Newest: 1, Slices: slicesOfHour})
		a := &asker{t: t, c: c, rng: c.rng}
		a.post(20)
		names := c.Names()
		for i, name := range names {
			c.upgrade(t, name, 2)
			time.Sleep(5 * time.Second)
			a.compareHour(a.records[i].Hour)
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
				if !errors.As(err, new(*contract.UnavailableError)) || !strings.HasSuffix(err.Error(), "older one or have said none yet: "+holders) {
					t.Errorf("Query at %s with %d upgraded nodes = %v, want a refusal that names %s", at, i+1, err, holders)
				}
			}
		}
	})
}

// compareHour compares the complete answer to a GET of an hour, at every node, with the naive fold.
func (a *asker) compareHour(hour flow.Hour) {
	a.t.Helper()
	rows, _ := naive.Rows(&query.Spec{From: hour, To: hour + 1, Group: query.DefaultFields}, a.records)
	var want []flow.Record
	for _, row := range rows {
		tx, _ := row.Tx.Int64()
		rx, _ := row.Rx.Int64()
		key := flow.Key{SrcApp: row.Src, DestApp: row.Dest, VPCID: row.VPC}
		want = append(want, flow.Record{Key: key, Totals: flow.Totals{BytesTx: tx, BytesRx: rx}, Hour: hour})
	}
	client := a.c.Client("10.0.1.1")
	defer client.CloseIdleConnections()
	for _, name := range a.c.Running() {
		res, err := client.Get(fmt.Sprintf("http://%s/flows?hour=%d&require=complete", at(a.c.Addr(name), HTTPPort), hour))
		if err != nil {
			a.t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		var got []flow.Record
		if err == nil && res.StatusCode == http.StatusOK {
			err = json.Unmarshal(body, &got)
		}
		if err != nil || !slices.Equal(got, want) {
			a.t.Errorf("hour %d at %s = %s, %v\n%s\nwant %v", hour, name, res.Status, err, body, want)
		}
	}
}
