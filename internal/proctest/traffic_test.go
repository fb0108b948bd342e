//go:build linux

package proctest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"

	"github.com/go-json-experiment/json"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/router/client"
)

// TestCommittedCapture posts the committed capture through three nodes.
func TestCommittedCapture(t *testing.T) {
	t.Parallel()
	flows, sums := readCapture(t, "testdata")
	aggregate(t, flows, sums)
}

// TestCapturedTraffic does the same with a new capture.
func TestCapturedTraffic(t *testing.T) {
	t.Parallel()
	skipShort(t)
	dir := capture(t)
	flows, sums := readCapture(t, dir)
	aggregate(t, flows, sums)
}

// aggregate posts flows to random nodes of a cluster in requests with keys, some of them twice, and fails the test
// unless the totals of every node equal the sums of nfdump.
func aggregate(t *testing.T, flows []observed, sums map[route]int64) {
	t.Helper()
	c := newCluster(t, 2, 3)
	c.start()
	hours := map[flow.Hour]bool{}
	repeats, marked := 0, 0
	for from, n := 0, 0; from < len(flows); n++ {
		to := min(len(flows), from+1+rand.IntN(40))
		var records []agentRecord
		for _, f := range flows[from:to] {
			records = append(records, f.record())
			hours[flow.Hour(f.record().Hour)] = true
		}
		c.postTo(c.nodes[rand.IntN(3)], fmt.Sprintf("capture-%d", n), records, false)
		if n%3 == 0 { // as an agent does after a lost answer
			repeats++
			if c.postTo(c.nodes[rand.IntN(3)], fmt.Sprintf("capture-%d", n), records, true) {
				marked++
			}
		}
		from = to
	}
	// A store that takes the place of a slow owner may not know of the first attempt yet.
	if 2*marked < repeats {
		t.Errorf("%d of %d repeated posts are marked as replayed", marked, repeats)
	}
	for _, p := range c.nodes {
		var all []flow.Record
		for hour := range hours {
			all = append(all, c.flows(p, hour)...)
		}
		if err := compare(all, sums); err != nil {
			t.Errorf("at %s: %v", p, err)
		}
	}
	t.Logf("%d flows in %d hours add up to nfdump's %d sums at every node", len(flows), len(hours), len(sums))
}

// postTo posts records to one node, and reports whether the answer marks them as replayed. A repeated post lacks the mark
// if another store took it in the place of a slow owner; it counts once all the same.
func (c *cluster) postTo(p *process, key string, records []agentRecord, repeated bool) (replayed bool) {
	c.t.Helper()
	flowring, err := client.New(client.Config{Targets: []string{p.url()}, HTTP: c.http})
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	body, _ := json.Marshal(records)
	receipt, err := flowring.Post(ctx, body, client.PostOptions{Key: key, Header: http.Header{"Content-Type": {"application/json"}}})
	if err != nil {
		c.t.Fatal(err)
	}
	if receipt.Attempts == 1 && receipt.Replayed && !repeated || receipt.Records != len(records) {
		c.t.Errorf("post of %d records to %s = %+v, repeated: %t", len(records), p, receipt, repeated)
	}
	return receipt.Replayed
}

// flows returns a complete read of an hour at one node.
func (c *cluster) flows(p *process, hour flow.Hour) []flow.Record {
	c.t.Helper()
	flowring, err := client.New(client.Config{Targets: []string{p.url()}, HTTP: c.http})
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer, err := flowring.Get(ctx, hour, contract.NeedComplete)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Close()
	var flows []flow.Record
	if err := json.UnmarshalRead(answer, &flows); err != nil {
		c.t.Fatal(err)
	}
	return flows
}
