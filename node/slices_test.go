package node_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"flowring/node"
)

// sliced is a configure for one copy of each of n slices.
func sliced(n int) func(*node.Config) {
	return func(c *node.Config) { c.ReplicationFactor, c.WriteQuorum, c.HourSlices = 1, 1, n }
}

// One hour in 16 slices over four nodes: every node gives the document that a cluster of one slice gives, byte by byte.
func TestSlicesOfAnHourAreMerged(t *testing.T) {
	t.Parallel()
	whole, cut := newCluster(t, 1, copies(1, 1)), newCluster(t, 4, sliced(16))
	whole.formed("a")
	cut.formed("a", "b", "c", "d")
	for i := range 20 {
		var observed []observation
		for j := range 50 {
			observed = append(observed, of(7, fmt.Sprintf("app-%d", (i*j)%97), int64(i+j)))
		}
		whole.mustPost("a", "", observed...)
		cut.mustPost(cut.names()[i%4], fmt.Sprint("key-", i), observed...)
		cut.mustPost(cut.names()[(i+1)%4], fmt.Sprint("key-", i), observed...) // again: it counts once
	}
	want, err := whole.get("a", 7, "")
	if err != nil {
		t.Fatal(err)
	}
	partitions := 0
	for _, name := range cut.names() {
		partitions += cut.member(name).Partitions
		if held := cut.metric(name, "flowring_store_slices"); held != 4 {
			t.Errorf("%s holds %v of the 16 slices, want 4", name, held)
		}
		got, err := cut.get(name, 7, "&require=complete")
		if err != nil || got.text != want.text || got.complete != "true" {
			t.Errorf("get(%s) = complete %q, %v, %.200s, want %.200s", name, got.complete, err, got.text, want.text)
		}
		if empty, err := cut.get(name, 8, ""); err != nil || empty.text != "[]\n" {
			t.Errorf("get(%s) of an empty hour = %q, %v, want []", name, empty.text, err)
		}
	}
	if partitions != 1024 { // 64 groups of 16
		t.Errorf("the nodes own %d partitions, want 1024", partitions)
	}
}

// P3: a request that one slice's owner refuses is counted in none.
func TestARefusedRequestIsInNoSlice(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, sliced(16))
	c.formed("a", "b", "c")
	var full, more []observation
	for i := range 40 {
		full = append(full, of(7, fmt.Sprintf("app-%d", i), 1))
		more = append(more, of(7, fmt.Sprintf("app-%d", i), 2))
	}
	c.mustPost("a", "key", full...)
	before, err := c.get("b", 7, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range c.names() {
		if status, _ := c.post(name, "key", more...); status != http.StatusUnprocessableEntity {
			t.Errorf("post(%s) of other content under a used key = %d, want 422", name, status)
		}
		if status, err := c.post(name, "key", full...); status != http.StatusOK {
			t.Errorf("post(%s) again = %d, %v, want 200", name, status, err)
		}
	}
	if after, err := c.get("c", 7, ""); err != nil || after.text != before.text {
		t.Errorf("the hour after refused and repeated requests = %.200s, %v, want %.200s", after.text, err, before.text)
	}
}

func TestASliceThatIsMissedIsMissedLoudly(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, sliced(16))
	c.formed("a", "b", "c")
	var observed []observation
	for i := range 100 {
		observed = append(observed, of(7, fmt.Sprintf("app-%d", i), 1))
	}
	c.mustPost("a", "", observed...)
	c.kill("c")
	got, err := c.get("a", 7, "")
	if err != nil || got.status != http.StatusServiceUnavailable || !strings.Contains(got.text, `"c"`) {
		t.Errorf("get with a node down = %d, %v, %s, want 503 that names it", got.status, err, got.text)
	}
	partial, err := c.get("a", 7, "&partial=true")
	if err != nil || partial.complete != "false" || len(partial.totals) == 0 || len(partial.totals) >= 100 {
		t.Errorf("partial get = complete %q with %d of 100 flows, %v, want false and some", partial.complete, len(partial.totals), err)
	}
}
