package clustertest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"flowring/internal/racetest"
)

// hoursOf returns how many hours a node says that it holds, and how many batches it knows it lacks.
func (c *Cluster) hoursOf(name string) (hours int, behind int64) {
	for _, m := range c.Node(name).Members().Members {
		if m.Name == name && m.State == "alive" {
			return m.Hours, m.Behind
		}
	}
	return 0, 0
}

// fillMany writes that many hours with few requests.
func (k caller) fillMany(t *testing.T, n int) {
	t.Helper()
	const each = 500
	for from := 0; from < n; from += each {
		var records []string
		for hour := from; hour < min(n, from+each); hour++ {
			records = append(records, fmt.Sprintf(`{"src_app":"s","dest_app":"d","vpc_id":"v","bytes_tx":1,"bytes_rx":0,"hour":%d}`, hour))
		}
		body := "[" + strings.Join(records, ",") + "]"
		res, err := k.Post("http://"+at(k.c.Addr("a"), HTTPPort)+"/flows", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Fatalf("post = %s, want 200", res.Status)
		}
	}
}

// A node with an empty disk is refilled with 1,000 hours within 30 s although one of its two sources vanishes in the middle of a copy,
// as a host does that loses its power: no reset tells of it (P8, P9).
func TestRepairGoesOnBesideASourceThatVanishes(t *testing.T) {
	const hours, within = 1000, 30 * time.Second
	racetest.Bubble(t, func(t *testing.T) {
		c := formed(t, 3, Options{Seed: 3, Copies: 3, Quorum: 2})
		k := newCaller(t, c)
		k.fillMany(t, hours)
		c.PowerLoss("a", 100)
		c.Machine("a").Disk.Wipe()
		c.Net.SetLatency(c.Addr("b"), c.Machine("a").address(2), 200*time.Millisecond)
		c.Start("a")
		for got := 0; got == 0; got, _ = c.hoursOf("a") {
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(500 * time.Millisecond) // b is among the sources by now
		c.Net.Partition([]string{c.Addr("a")}, []string{c.Addr("b")})
		before, behind := c.hoursOf("a")
		if before == hours || behind == 0 {
			t.Fatalf("a holds %d hours and is %d behind when b vanishes: the test comes too late", before, behind)
		}
		time.Sleep(within)
		if got, behind := c.hoursOf("a"); got != hours || behind != 0 {
			t.Errorf("a holds %d of %d hours and is %d behind after %v, want all", got, hours, behind, within)
		}
	})
}
