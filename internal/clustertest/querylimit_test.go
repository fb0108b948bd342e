package clustertest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/internal/racetest"
	"flowring/node"
	"flowring/router/admission"
)

// busyCluster returns a cluster of three nodes with some records. Each node has one CPU slot, which the test may hold.
func busyCluster(t *testing.T, configure func(*node.Config)) (*Cluster, *asker) {
	return busyClusterOf(t, Options{Copies: 1, Quorum: 1, Configure: configure})
}

func busyClusterOf(t *testing.T, opts Options) (*Cluster, *asker) {
	slots := map[string]admission.CPUSlots{}
	for _, name := range []string{"n1", "n2", "n3"} {
		slots[name] = admission.NewCPUSlots(1)
	}
	opts.CPUSlots = slots
	c := New(t, opts)
	t.Cleanup(c.Close)
	c.Start("n1", "n2", "n3")
	c.mustTurnOn(t, time.Minute)
	a := &asker{t: t, c: c, rng: c.rng}
	a.post(200)
	return c, a
}

// everything is the question for all flows of all hours.
func everything() *query.Spec {
	return &query.Spec{From: 0, To: askedHours, Group: query.DefaultFields}
}

// working returns the names of the nodes that work for a query, with the metrics that say so.
func (c *Cluster) working(t *testing.T) (all []string) {
	t.Helper()
	for _, name := range c.Running() {
		for _, metric := range []string{"flowring_queries_in_progress", "flowring_query_stores_in_progress"} {
			if n := c.metric(t, name, metric); n > 0 {
				all = append(all, fmt.Sprintf("%s %s=%v", name, metric, n))
			}
		}
	}
	return all
}

// No node works for a query any more within a second after its client has gone away: while stores add up, and while
// rows are read.
func TestAQueryEndsWithItsClient(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c, _ := busyCluster(t, nil)
		for _, name := range c.Names() {
			c.opts.CPUSlots[name].Acquire() // no store gets on
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := c.Node("n1").Query(ctx, everything(), contract.Ask{})
			ended <- err
		}()
		time.Sleep(2 * time.Second)
		if all := c.working(t); len(all) != 4 { // three stores, and the node asked
			t.Errorf("during the query these work: %q, want three stores and n1", all)
		}
		cancel()
		time.Sleep(time.Second)
		if all := c.working(t); len(all) > 0 {
			t.Errorf("a second after the client has gone away these work: %q", all)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Query = %v, want %v", err, context.Canceled)
		}
		for _, name := range c.Names() {
			c.opts.CPUSlots[name].Release()
		}

		ctx, cancel = context.WithCancel(t.Context())
		rows, err := c.Node("n1").Query(ctx, everything(), contract.Ask{})
		if err != nil {
			t.Fatal(err)
		}
		for range rows.All() {
			break
		}
		if all := c.working(t); len(all) == 0 {
			t.Error("no node works while rows are read")
		}
		cancel()
		rows.Close()
		time.Sleep(time.Second)
		if all := c.working(t); len(all) > 0 {
			t.Errorf("a second after the rows were closed these work: %q", all)
		}
	})
}

// A store that takes 30 s to add up sends signs of life meanwhile, so that no node gives it up.
func TestAStoreMayAddUpForLong(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c, a := busyCluster(t, func(c *node.Config) { c.QueryTimeout = time.Minute })
		c.opts.CPUSlots["n2"].Acquire()
		begun := time.Now()
		time.AfterFunc(30*time.Second, c.opts.CPUSlots["n2"].Release)
		rows, _, complete := a.ask("n1", everything())
		if took := time.Since(begun); took < 30*time.Second || took > 31*time.Second {
			t.Errorf("the query took %v, want 30 s", took)
		}
		if len(rows) == 0 || complete != contract.Complete {
			t.Errorf("%d rows, complete %v, want all", len(rows), complete)
		}
		if n := c.metric(t, "n1", "flowring_peer_stalled_total"); n != 0 {
			t.Errorf("%v calls stalled, want 0", n)
		}
	})
}

// Each limit has a refusal that names its setting, and a metric. No query gets a short answer.
func TestQueriesBeyondALimitAreRefused(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c, _ := busyCluster(t, func(c *node.Config) {
			c.MaxHoursPerQuery, c.MaxGroupsPerQuery, c.MaxQueries, c.QueryTimeout = askedHours, 50, 2, 5*time.Second
		})
		one := &query.Spec{From: 0, To: askedHours, Group: query.FieldsOf(query.VPCID)}
		refused := func(name string, spec *query.Spec, want contract.Refusal, setting, metric string) {
			t.Helper()
			_, err := c.Node(name).Query(t.Context(), spec, contract.Ask{})
			refusal, detail, _ := contract.RefusalOf(err)
			if err == nil || refusal != want || !strings.Contains(detail, setting) {
				t.Errorf("Query = %v %v, want %v with %s", refusal, err, want, setting)
			}
			grown := 0.0
			for _, name := range c.Names() {
				grown += c.metric(t, name, metric)
			}
			if grown == 0 {
				t.Errorf("%s is 0 at all nodes", metric)
			}
		}
		refused("n1", &query.Spec{From: 0, To: askedHours + 1}, contract.QueryHours, "--max-hours-per-query", "flowring_query_hours_refusals_total")
		refused("n1", everything(), contract.QueryGroups, "--max-groups-per-query", "flowring_query_groups_refusals_total")
		for range 2 {
			rows, err := c.Node("n2").Query(t.Context(), one, contract.Ask{})
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
		}
		refused("n2", one, contract.Overloaded, "--max-queries", "flowring_query_overloads_total")
		c.opts.CPUSlots["n3"].Acquire()
		refused("n1", one, contract.Timeout, "--query-timeout", "flowring_query_timeouts_total")
		c.opts.CPUSlots["n3"].Release()
		if _, err := c.Node("n1").Query(t.Context(), &query.Spec{From: math.MinInt64, To: math.MaxInt64}, contract.Ask{}); !errors.Is(err, contract.QueryHours) {
			t.Errorf("Query of all hours = %v, want %v", err, contract.QueryHours)
		}
	})
}

// The store of the node asked refuses a query as the stores of other nodes do.
func TestTheOnlyNodeRefusesAQueryWithTooManyGroups(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := New(t, Options{Expect: 1, Configure: func(c *node.Config) { c.MaxGroupsPerQuery = 50 }})
		t.Cleanup(c.Close)
		c.Start("n1")
		if err := c.WaitReady(time.Minute); err != nil {
			t.Fatal(err)
		}
		(&asker{t: t, c: c, rng: c.rng}).post(200)
		_, err := c.Node("n1").Query(t.Context(), everything(), contract.Ask{})
		refusal, detail, _ := contract.RefusalOf(err)
		if refusal != contract.QueryGroups || !strings.Contains(detail, "--max-groups-per-query") {
			t.Errorf("Query = %v %v, want %v with --max-groups-per-query", refusal, err, contract.QueryGroups)
		}
	})
}

// A store that is lost while rows are read is an error. The rows so far are never taken for the whole answer.
func TestAStoreThatIsLostDuringTheRowsIsAnError(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c, a := busyCluster(t, nil)
		for range 4 {
			a.postNames(5000)
		}
		rows, err := c.Node("n1").Query(t.Context(), everything(), contract.Ask{Need: contract.NeedComplete})
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		read, failed := 0, error(nil)
		for _, err := range rows.All() {
			if read++; read == 1 {
				c.Kill("n2")
			}
			failed = err
		}
		if !errors.As(failed, new(*contract.UnavailableError)) || read > 20_000 {
			t.Errorf("%d rows, then %v, want an error before the end", read, failed)
		}
	})
}

// A query over HTTP ends with its connection, at all nodes.
func TestAQueryEndsWithItsConnection(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c, _ := busyCluster(t, nil)
		for _, name := range c.Names() {
			c.opts.CPUSlots[name].Acquire()
		}
		client := c.Client("10.0.5.1")
		defer client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		url := fmt.Sprintf("http://%s/flows?from=0&to=%d&top=3", at(c.Addr("n1"), HTTPPort), askedHours)
		req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Do(req); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("GET = %v, want %v", err, context.DeadlineExceeded)
		}
		time.Sleep(time.Second)
		if all := c.working(t); len(all) > 0 {
			t.Errorf("a second after the connection was closed these work: %q", all)
		}
		for _, name := range c.Names() {
			c.opts.CPUSlots[name].Release()
		}
	})
}
