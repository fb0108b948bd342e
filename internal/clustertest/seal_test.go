package clustertest

import (
	"bufio"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"flowring/internal/clustertest/checker"
	"flowring/internal/racetest"
	"flowring/store/journal/journaltest"
)

// metric returns the value of a metric of a node.
func (c *Cluster) metric(t *testing.T, name, metric string) (value float64) {
	t.Helper()
	client := c.Client("10.0.4.1")
	defer client.CloseIdleConnections()
	res, err := client.Get("http://" + at(c.Addr(name), HTTPPort) + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), metric+" "); ok && res.StatusCode == http.StatusOK {
			if value, err = strconv.ParseFloat(rest, 64); err != nil {
				t.Fatal(err)
			}
			return value
		}
	}
	t.Fatalf("%s has no metric %s", name, metric)
	return 0
}

// A quiet hour becomes one snapshot on each of its replicas. A node that has lost its disk and nodes that join get
// snapshots. Late batches are added, and totals are exact throughout.
func TestSealedHoursMoveAsSnapshots(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		const hours = 6
		c := New(t, Options{Copies: 3, Quorum: 2, Hours: hours, Quiet: true, SealAfter: time.Second})
		defer c.Close()
		check := checker.New()
		r := &runner{load: load{c: c, check: check, hours: hours}, rng: c.rng}
		c.Start("n1", "n2", "n3")
		if err := c.WaitReady(time.Minute); err != nil {
			t.Fatal(err)
		}
		r.clientStep("write", "n2", []string{"all", "5"})
		time.Sleep(10 * time.Second)
		for _, name := range c.Names() {
			if got := c.metric(t, name, "flowring_store_sealed_total"); got != hours {
				t.Errorf("%s has sealed %v hours, want %d", name, got, hours)
			}
		}
		c.crash("n1", (*journaltest.Disk).Wipe)
		c.Start("n1", "n4", "n5")
		if err := c.WaitReady(2 * time.Minute); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		if got := c.metric(t, "n1", "flowring_store_snapshots_fetched_total"); got == 0 {
			t.Error("a node that lost its disk got no snapshot")
		}
		if n4, n5 := c.metric(t, "n4", "flowring_store_snapshots_fetched_total"), c.metric(t, "n5", "flowring_store_snapshots_fetched_total"); n4+n5 == 0 {
			t.Error("nodes that joined got no snapshot")
		}
		r.clientStep("write", "n4", []string{"all", "2"})
		if err := r.settled(); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Second)
		if err := r.settled(); err != nil {
			t.Error(err)
		}
		if check.Acknowledged() != 7*hours {
			t.Errorf("%d batches acknowledged, want %d", check.Acknowledged(), 7*hours)
		}
		for _, fault := range check.Faults() {
			t.Error(fault)
		}
	})
}
