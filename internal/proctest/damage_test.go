//go:build linux

package proctest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"flowring/flow"
)

// Bytes flip in the largest table of a running node. The next pass over its journal names the damaged hours in the log and
// in a metric, the other nodes give the batches, and all nodes have the same documents at the end (P1, P4, P15).
func TestDamageUnderARunningNode(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, 3)
	for _, p := range c.nodes {
		p.args = append(p.args, "--scrub-period", "10s")
	}
	c.start()
	hurt := c.nodes[1]
	for i := range 400 {
		hour := flow.Hour(1 + i%4)
		c.postTo(hurt, fmt.Sprint("key-", i), randomRecords(hour, 700), false)
	}
	hurt.terminate()
	c.restart(hurt) // it writes its log into a table
	passes := c.metric(hurt, "scrub_passes_total")
	c.eventually(func() error { return atLeast("passes", c.metric(hurt, "scrub_passes_total"), passes+1) })
	flipBytes(t, hurt.data)
	c.eventually(func() error { return atLeast("damaged slices", c.metric(hurt, "scrub_damaged_slices_total"), 1) })
	c.eventually(func() error {
		if n := c.metric(hurt, "store_batches_unreadable"); n > 0 {
			return fmt.Errorf("%s cannot read %g batches", hurt, n)
		}
		return nil
	})
	log, err := os.ReadFile(hurt.log)
	if err != nil || !strings.Contains(string(log), "batches cannot be read") || !strings.Contains(string(log), "batches can be read again") {
		t.Errorf("the log does not name the damage and its end: %v", err)
	}
	c.sameStores(c.nodes...)
	if n := c.metric(hurt, "scrub_differences_total"); n > 0 {
		t.Errorf("%g slices differed from their batches, want none", n)
	}
}

// randomRecords returns records of an hour that do not compress.
func randomRecords(hour flow.Hour, n int) (all []agentRecord) {
	for range n {
		all = append(all, agentRecord{
			SrcIP: fmt.Sprintf("%016x", rand.Uint64()), DestIP: fmt.Sprintf("%016x", rand.Uint64()), VPC: "v",
			BytesTx: 1, BytesRx: 2, Hour: int64(hour),
		})
	}
	return all
}

func atLeast(what string, have, want float64) error {
	if have < want {
		return fmt.Errorf("%g %s, want %g", have, what, want)
	}
	return nil
}

// metric returns the value of a metric of a node, without the prefix flowring_.
func (c *cluster) metric(p *process, name string) float64 {
	c.t.Helper()
	a, err := c.get(p, "/metrics")
	if err != nil {
		c.t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^flowring_` + name + ` (\S+)$`).FindSubmatch(a.body)
	if found == nil {
		c.t.Fatalf("%s has no metric %s", p, name)
	}
	value, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		c.t.Fatal(err)
	}
	return value
}

// flipBytes flips bytes in the batches of the largest table of a folder.
func flipBytes(t *testing.T, dir string) {
	t.Helper()
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil {
		t.Fatal(err)
	}
	var largest string
	size := int64(0)
	for _, table := range tables {
		if info, err := os.Stat(table); err == nil && info.Size() > size {
			largest, size = table, info.Size()
		}
	}
	f, err := os.OpenFile(largest, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for part := range int64(7) {
		at, one := size*(part+1)/10, make([]byte, 1)
		if _, err := f.ReadAt(one, at); err != nil {
			t.Fatal(err)
		}
		one[0] ^= 1
		if _, err := f.WriteAt(one, at); err != nil {
			t.Fatal(err)
		}
	}
}
