package node_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"flowring/flow"
	"flowring/node"
)

// sliced is a configure for one copy of each of n slices.
func sliced(n int) func(*node.Config) {
	return func(c *node.Config) { c.ReplicationFactor, c.WriteQuorum, c.HourSlices = 1, 1, n }
}

// One hour in 16 slices over four nodes: every node answers with the document of a cluster of one slice, byte by byte.
func TestSlicesOfAnHourAreMerged(t *testing.T) {
	t.Parallel()
	whole, cut := newCluster(t, 1, copies(1, 1)), newCluster(t, 4, sliced(16))
	whole.formed("a")
	cut.formed("a", "b", "c", "d")
	for i := range 100 { // enough flows for all slices
		var observed []observation
		for j := range 10 {
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
		cut.eventually(func() error { // a slow write may have been duplicated elsewhere
			if held := cut.metric(name, "flowring_store_slices"); held != 4 {
				return fmt.Errorf("%s holds %v of the 16 slices, want 4", name, held)
			}
			return nil
		})
		got, err := cut.complete(name, 7)
		if err != nil || got.text != want.text || got.complete != "true" {
			t.Errorf("get(%s) = complete %q, %v, %.200s, want %.200s", name, got.complete, err, got.text, want.text)
		}
		if empty, err := cut.complete(name, 8); err != nil || empty.text != "[]\n" {
			t.Errorf("get(%s) of an empty hour = %q, %v, want []", name, empty.text, err)
		}
	}
	if partitions != 1024 { // 64 groups of 16
		t.Errorf("the nodes own %d partitions, want 1024", partitions)
	}
}

// P3: if one owner refuses its part of a request, no part counts anywhere.
func TestARefusedRequestIsInNoSlice(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, sliced(16))
	c.formed("a", "b", "c")
	var full, more []observation
	for i := range 40 {
		full = append(full, of(7, fmt.Sprintf("app-%d", i), 1))
		more = append(more, of(7, fmt.Sprintf("app-%d", i), 2), of(int64(8+i), "app", 2)) // in other hours with other owners too
	}
	c.mustPost("a", "key", full...)
	before, err := c.complete("b", 7)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range c.names() {
		if status, _ := c.answer(name, "key", more...); status != http.StatusUnprocessableEntity {
			t.Errorf("post(%s) of other content under a used key = %d, want 422", name, status)
		}
		if status, err := c.answer(name, "key", full...); status != http.StatusOK {
			t.Errorf("post(%s) again = %d, %v, want 200", name, status, err)
		}
	}
	if after, err := c.complete("c", 7); err != nil || after.text != before.text {
		t.Errorf("the hour after refused and repeated requests = %.200s, %v, want %.200s", after.text, err, before.text)
	}
	for hour := 8; hour < 48; hour++ {
		if other, err := c.complete("c", int64(hour)); err != nil || other.text != "[]\n" {
			t.Errorf("hour %d of a refused request = %.200s, %v, want []", hour, other.text, err)
		}
	}
}

func TestAMissingSliceIsReported(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, sliced(16))
	c.formed("a", "b", "c")
	var observed []observation
	for i := range 100 {
		observed = append(observed, of(7, fmt.Sprintf("app-%d", i), 1))
	}
	for requests := range slices.Chunk(observed, 5) {
		c.mustPost("a", "", requests...)
	}
	c.kill("c")
	got, err := c.get("a", 7, "")
	if err != nil || got.status != http.StatusServiceUnavailable || !strings.Contains(got.text, `"c"`) {
		t.Errorf("get with a node down = %d, %v, %s, want 503 that names it", got.status, err, got.text)
	}
	partial, err := c.get("a", 7, "&partial=true")
	if err != nil || partial.complete != "false" || len(partial.totals) == 0 || len(partial.totals) >= 100 {
		t.Errorf("partial get = complete %q with %d of 100 flows, %v, want false and some", partial.complete, len(partial.totals), err)
	}
	if len(partial.totals)%5 != 0 { // P11
		t.Errorf("partial get has %d flows, of requests of 5 each", len(partial.totals))
	}
}

// P14: each slice is within the limit of a total. The sum of the slices is not, and it is counted as cut.
func TestASaturatedTotalOfAllSlicesIsCounted(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, sliced(4))
	c.formed("a", "b")
	most := slices.Repeat([]observation{{Key: of(7, "app", 0).Key, Totals: flow.Totals{BytesTx: flow.MaxBytes}, Hour: 7}}, 1024)
	for range 4 { // requests without keys go to the nodes in turn
		c.eventually(func() error { _, err := c.post("a", "", most...); return err })
	}
	got, err := c.complete("b", 7) // with an error, because no such total was sent
	if !strings.Contains(got.text, `"bytes_tx":9223372036854775807,`) {
		t.Errorf("get of four times %d bytes = %s, %v, want 2^63-1", 1024*flow.MaxBytes, got.text, err)
	}
	if cut := c.metric("b", "flowring_store_saturated_total"); cut == 0 {
		t.Error("flowring_store_saturated_total = 0 after a total was cut")
	}
}
