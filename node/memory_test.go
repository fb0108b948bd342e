package node_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"flowring/node"
)

// P12: above the high mark writes are refused until memory is below the low mark. Reads go on.
func TestWritesAreRefusedWhileThereIsTooLittleMemory(t *testing.T) {
	t.Parallel()
	const limit = 1 << 30
	var percent atomic.Int64
	c := newCluster(t, 1, func(cfg *node.Config) { cfg.MemoryLimit = limit })
	c.deps.Memory = func() int64 { return limit / 100 * percent.Load() }
	c.formed("a")
	for _, tt := range []struct {
		percent int64
		status  int
	}{{70, 200}, {76, 503}, {66, 503}, {64, 200}, {74, 200}} {
		percent.Store(tt.percent)
		c.eventually(func() error {
			if got, want := c.metric("a", "flowring_memory_in_use_bytes"), float64(limit/100*tt.percent); got != want {
				return fmt.Errorf("the node sees %v bytes in use, want %v", got, want)
			}
			return nil
		})
		status, err := c.post("a", "", of(1, "x", 1))
		if status != tt.status || status == 503 && !strings.Contains(fmt.Sprint(err), "overloaded") {
			t.Errorf("POST at %d %% of the memory = %d %v, want %d", tt.percent, status, err, tt.status)
		}
		if r, err := c.get("a", 1, ""); err != nil || r.status != http.StatusOK {
			t.Errorf("GET at %d %% of the memory = %d %v, want 200", tt.percent, r.status, err)
		}
	}
}

// The node measures the memory of the real process.
func TestMemoryInUseIsTheMemoryOfTheProcess(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, func(cfg *node.Config) { cfg.MemoryLimit = 1 << 40 })
	c.formed("a")
	c.eventually(func() error {
		if got := c.metric("a", "flowring_memory_in_use_bytes"); got < 1<<20 || got > 4<<30 {
			return fmt.Errorf("the node sees %v bytes in use", got)
		}
		return nil
	})
}
