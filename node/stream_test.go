package node_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// A viewer of any node gets what another node stores, and its stream ends like a whole answer when its node stops.
func TestAStreamEndsCleanlyWithItsNode(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, copies(2, 2))
	c.formed("a", "b", "c")
	const hour = 498897
	c.mustPost("a", "k1", of(hour, "app", 6))
	c.waitReady()
	c.answersQueries()
	resp, err := http.Get(c.url("b") + "/flows/stream?from=498897&to=498898&group_by=src_app")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	read := func(event, row string) {
		for last := ""; ; {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("no event %s with %s: %v", event, row, err)
			}
			if strings.Contains(last, "event: "+event) && strings.Contains(line, row) {
				return
			}
			last = line
		}
	}
	read("all", `{"src_app":"app","bytes_tx":6,"bytes_rx":12}`)
	c.mustPost("c", "k2", of(hour, "app", 1))
	read("change", `{"src_app":"app","bytes_tx":7,"bytes_rx":14}`)
	stopped := make(chan error, 1)
	go func() { stopped <- c.stop("b", patience) }()
	rest, err := io.ReadAll(lines)
	if err != nil || !strings.Contains(string(rest), "connect again") {
		t.Errorf("the stream of a node that stops ends with %q, %v, want a comment and no error", rest, err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// answersQueries waits until every node answers queries: until the cluster version is on that they need.
func (c *cluster) answersQueries() {
	c.t.Helper()
	c.eventually(func() error {
		for _, name := range c.names() {
			resp, err := http.Get(c.url(name) + "/flows?from=1&to=2&group_by=")
			if err != nil {
				return err
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("a query at %s = %s", name, resp.Status)
			}
		}
		return nil
	})
}
