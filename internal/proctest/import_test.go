//go:build linux

package proctest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flowring/flow"
)

// TestAnImportIsKilled kills the importer again and again, and a node each time, and then lets it run to its end. Each
// record counts exactly once (P1, P2), by the sums of each hour.
func TestAnImportIsKilled(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, 3)
	c.start()
	const records, hours, first = 200_000, 5, flow.Hour(471_000)
	var text strings.Builder
	var want [hours]int64
	for i := range records {
		fmt.Fprintf(&text, `{"src_app":"a%d","dest_app":"b","vpc_id":"v","bytes_tx":%d,"bytes_rx":0,"hour":%d}`+"\n", i%500, i, first+flow.Hour(i%hours))
		want[i%hours] += int64(i)
	}
	file := filepath.Join(t.TempDir(), "flows.ndjson")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func() *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), os.Getenv(envBinary), "import", "--target", strings.Join(urls(c.nodes), ","), file)
		cmd.Env = environment()
		return cmd
	}
	for killed := 0; killed < 3; {
		p := c.nodes[rand.IntN(len(c.nodes))]
		cmd := run()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		pause(between(10*time.Millisecond, 200*time.Millisecond))
		p.kill()
		pause(between(time.Millisecond, 100*time.Millisecond))
		cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
		}
		p.start()
		c.waitReady(p)
	}
	answer, err := run().CombinedOutput()
	if err != nil || !strings.Contains(string(answer), "200,000 records read, 200,000 kept") {
		t.Fatalf("the last run: %v and %s", err, answer)
	}
	t.Logf("the last run: %s", answer)
	for _, p := range c.nodes {
		for i, sum := range want {
			var got int64
			for _, r := range c.flows(p, first+flow.Hour(i)) {
				got += r.BytesTx
			}
			if got != sum {
				t.Errorf("hour %d at %s has %d bytes, want %d", int(first)+i, p, got, sum)
			}
		}
	}
}
