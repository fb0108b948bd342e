package clustertest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"flowring/internal/racetest"
	"flowring/internal/safeguard"
)

// hoursOf returns the number of hours of a node and the number of batches that it knows to be missing.
func (c *Cluster) hoursOf(name string) (hours int, behind int64) {
	for _, m := range c.Node(name).Members().Members {
		if m.Name == name && m.State == "alive" {
			return m.Hours, m.Behind
		}
	}
	return 0, 0
}

// fillMany writes a number of hours with few requests.
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

// A node with an empty disk is refilled with 1,000 hours within 30 s, even if one of its two sources vanishes in the
// middle of a copy without a reset, as a host without power does (P8, P9).
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

// While hours of many small batches move over a slow link, every node answers a GET of them completely within 4 s (P4);
// the store that lacks least answers within a second. Without that store the new owner fetches until its time ends, and
// then another store is asked.
func TestReadsAreCompleteAndQuickWhileHoursMove(t *testing.T) {
	const hours, batches = 6, 400
	for _, tt := range []struct {
		name     string
		disabled safeguard.Set
		above    time.Duration // time of the slowest GET
		within   time.Duration
	}{
		{"by the store that lacks least", 0, 0, time.Second},
		{"negative control: by the owner alone", safeguard.ReadFuller, 1500 * time.Millisecond, 4 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				c := formed(t, 3, Options{Seed: 5, Copies: 3, Quorum: 2, Disabled: tt.disabled})
				k := newCaller(t, c)
				for range batches {
					for hour := range hours {
						if status := k.post("a", hour+1, "s"); status != http.StatusOK {
							t.Fatalf("post = %d, want 200", status)
						}
					}
				}
				for _, to := range []string{"d", "e"} {
					for _, from := range []string{"a", "b", "c"} {
						c.Net.SetRate(c.Addr(from), c.place(to).address(1), 2000)
					}
				}
				c.Start("d")
				c.mustAgree(t, agreeWithin) // stores that no node has heard yet would make answers unproven
				c.Start("e")
				slowest, short := k.readWhile(t, hours, batches, func() bool { return c.filling("d") || c.filling("e") })
				if short > 0 || slowest < tt.above || slowest > tt.within {
					t.Errorf("%d answers are not complete, the slowest takes %v, want none, and %v to %v", short, slowest, tt.above, tt.within)
				}
			})
		})
	}
}

// filling reports whether a node still takes over hours.
func (c *Cluster) filling(name string) bool {
	n := c.Node(name)
	if n.Ready() != nil {
		return true
	}
	for _, m := range n.Members().Members {
		if m.Name == name && m.State == "alive" {
			return m.Behind > 0 || m.Repairing > 0 || m.Hours == 0
		}
	}
	return true
}

// readWhile reads every hour at every node while going reports true. It returns the time of the slowest answer, and the
// number of incomplete and wrong answers.
func (k caller) readWhile(t *testing.T, hours, batches int, going func() bool) (slowest time.Duration, short int) {
	t.Helper()
	reads := 0
	for going() {
		for _, name := range k.c.Running() {
			if k.c.Node(name).Ready() != nil {
				continue
			}
			for hour := range hours {
				begun := time.Now()
				complete, has := k.getSum(name, hour+1, batches*(hour+1))
				reads++
				slowest = max(slowest, time.Since(begun))
				if complete != "true" || !has {
					t.Logf("hour %d at %s is %q after %v, has all: %t", hour+1, name, complete, time.Since(begun), has)
					short++
				}
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	if reads < 20 {
		t.Errorf("%d reads while hours moved: too few to tell", reads)
	}
	t.Logf("%d reads, the slowest %v, %d short", reads, slowest, short)
	return slowest, short
}

// getSum reads an hour of one flow. It returns the completeness, or the status of a refusal, and whether the flow has
// the total.
func (k caller) getSum(name string, hour, sum int) (complete string, has bool) {
	res, err := k.Get(fmt.Sprintf("http://%s/flows?hour=%d", at(k.c.Addr(name), HTTPPort), hour))
	if err != nil {
		return err.Error(), false
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return res.Status, false
	}
	return res.Header.Get("Flowring-Complete"), strings.Contains(string(text), fmt.Sprintf(`"bytes_tx":%d,`, sum))
}
