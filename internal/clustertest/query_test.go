package clustertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/flow/query/naive"
	"flowring/internal/contract"
	"flowring/internal/racetest"
)

// Queries of every form equal the naive fold of the same records, over clusters of any number of slices and copies,
// with hours that are warm, cold, sealed, or on the move.
func TestQueriesEqualTheNaiveFold(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			racetest.Bubble(t, func(t *testing.T) { compareWithNaive(t, seed) })
		})
	}
}

func compareWithNaive(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 71))
	copies := 1 + rng.IntN(3)
	c := New(t, Options{
		Seed: seed, Copies: copies, Quorum: copies/2 + 1, Slices: []int{1, 4, 16}[rng.IntN(3)],
		SealAfter: time.Duration(rng.IntN(2)) * 10 * time.Second,
	})
	defer c.Close()
	c.Start("n1", "n2", "n3")
	if err := c.WaitReady(time.Minute); err != nil {
		t.Fatal(err)
	}
	asker := &asker{t: t, c: c, rng: rng}
	for range 5 {
		asker.post(20)
		asker.compare(4)
	}
	if rng.IntN(2) == 0 {
		time.Sleep(time.Minute) // hours are sealed
		asker.compare(4)
	}
	c.Start("n4") // hours move
	for range 10 {
		asker.compare(1)
		time.Sleep(time.Duration(rng.IntN(1000)) * time.Millisecond)
	}
	for _, name := range c.Running() { // hours are cold
		c.Kill(name)
		c.Start(name)
	}
	if err := c.WaitReady(time.Minute); err != nil {
		t.Fatal(err)
	}
	asker.compare(8)
	asker.post(5) // on top of snapshots
	asker.compare(8)
}

// asker posts random records and asks random questions about them.
type asker struct {
	t       *testing.T
	c       *Cluster
	rng     *rand.Rand
	records []flow.Record
}

const askedHours = 60 // more than two days

func (a *asker) name(prefix string) string { return fmt.Sprintf("%s-%d", prefix, a.rng.IntN(12)) }

func (a *asker) node() string {
	running := a.c.Running()
	return running[a.rng.IntN(len(running))]
}

// post posts records in one request.
func (a *asker) post(n int) {
	a.t.Helper()
	var records []flow.Record
	for range n {
		records = append(records, flow.Record{
			Key:    flow.Key{SrcApp: a.name("web"), DestApp: a.name("db"), VPCID: a.name("vpc")},
			Totals: flow.Totals{BytesTx: a.rng.Int64N(1 << 50), BytesRx: a.rng.Int64N(1 << 50)},
			Hour:   flow.Hour(a.rng.IntN(askedHours)),
		})
	}
	a.send(records)
}

// postNames posts records of as many flows in one request.
func (a *asker) postNames(flows int) {
	a.t.Helper()
	var records []flow.Record
	for range flows {
		records = append(records, flow.Record{
			Key:    flow.Key{SrcApp: fmt.Sprintf("%0200d", len(a.records)+len(records)), DestApp: "db", VPCID: "vpc"},
			Totals: flow.Totals{BytesTx: 1, BytesRx: 2}, Hour: flow.Hour(a.rng.IntN(askedHours)),
		})
	}
	a.send(records)
}

// send posts records in one request, again until it is stored.
func (a *asker) send(records []flow.Record) {
	a.t.Helper()
	body, err := json.Marshal(records)
	if err != nil {
		a.t.Fatal(err)
	}
	client := a.c.Client("10.0.1.1")
	defer client.CloseIdleConnections()
	for range 20 {
		req, _ := http.NewRequest("POST", "http://"+at(a.c.Addr(a.node()), HTTPPort)+"/flows", bytes.NewReader(body))
		req.Header.Set("Idempotency-Key", fmt.Sprint("key-", len(a.records)))
		res, err := client.Do(req)
		if err != nil {
			continue
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			a.records = append(a.records, records...)
			return
		}
		a.t.Logf("post: %s %s", res.Status, text)
		time.Sleep(time.Second)
	}
	a.t.Fatal("the post failed 20 times")
}

// compare asks random questions at random nodes.
func (a *asker) compare(n int) {
	a.t.Helper()
	for range n {
		spec := a.spec()
		rows, next, complete := a.ask(a.node(), spec)
		if complete == contract.Partial {
			continue
		}
		want, more := naive.Rows(spec, a.records)
		if len(rows)+len(want) > 0 && !reflect.DeepEqual(rows, want) || more != (next != nil) {
			a.t.Fatalf("rows of %+v, %v:\n%v, more %v, want\n%v, more %t", spec, complete, rows, next, want, more)
		}
	}
}

// ask returns the answer of a node to a question, again after refusals.
func (a *asker) ask(node string, spec *query.Spec) (rows []query.Row, next *query.Key, complete contract.Completeness) {
	a.t.Helper()
	for {
		answer, err := a.c.Node(node).Query(context.Background(), spec, contract.Ask{})
		if errors.As(err, new(*contract.UnavailableError)) {
			time.Sleep(time.Second)
			continue
		}
		if err != nil {
			a.t.Fatalf("query at %s: %v", node, err)
		}
		for row, err := range answer.All() {
			if err != nil {
				a.t.Fatalf("rows of %+v at %s: %v", spec, node, err)
			}
			rows = append(rows, row)
		}
		if key, more := answer.Next(); more {
			next = &key
		}
		complete = answer.Complete()
		if err := answer.Close(); err != nil {
			a.t.Fatal(err)
		}
		return rows, next, complete
	}
}

// spec returns a random valid question.
func (a *asker) spec() *query.Spec {
	for {
		from := flow.Hour(a.rng.IntN(askedHours) - 2)
		s := &query.Spec{From: from, To: from + flow.Hour(1+a.rng.IntN(askedHours)), Group: query.Fields(a.rng.IntN(32))}
		for _, filter := range []struct {
			*query.Filter
			prefix string
		}{{&s.Filters.Src, "web"}, {&s.Filters.Dest, "db"}, {&s.Filters.VPC, "vpc"}, {&s.Filters.App, "web"}} {
			for _, patterns := range []*[]query.Pattern{&filter.Include, &filter.Exclude} {
				if a.rng.IntN(6) == 0 {
					*patterns = append(*patterns, query.ParsePattern(a.name(filter.prefix)), query.ParsePattern(filter.prefix+"-1*"))
				}
			}
		}
		if a.rng.IntN(4) == 0 {
			s.MinBytes = a.rng.Int64N(1 << 52)
		}
		a.order(s)
		if s.Validate() == nil {
			return s
		}
	}
}

// order adds a random order, top or page to a question.
func (a *asker) order(s *query.Spec) {
	measures := []query.Measure{query.Bytes, query.BytesTx, query.BytesRx}
	switch a.rng.IntN(5) {
	case 0:
		s.Top, s.By = 1+a.rng.IntN(10), measures[a.rng.IntN(3)]
		if a.rng.IntN(2) == 0 {
			s.HasSeries, s.Series = true, query.Field(a.rng.IntN(2))
		}
	case 1:
		s.Sort = query.Sort{By: query.SortByMeasure, Measure: measures[a.rng.IntN(3)], Descending: a.rng.IntN(2) == 0}
		s.Limit = 1 + a.rng.IntN(20)
	case 2:
		fields := slices.Collect(s.Group.All())
		if len(fields) > 0 {
			s.Sort = query.Sort{By: query.SortByField, Field: fields[a.rng.IntN(len(fields))], Descending: a.rng.IntN(2) == 0}
		}
	}
	if s.Top == 0 && s.Sort.By != query.SortByMeasure && a.rng.IntN(2) == 0 {
		s.Limit = 1 + a.rng.IntN(20)
		if rows, more := naive.Rows(s, a.records); more {
			s.After = &rows[len(rows)-1].Key
		}
	}
}
