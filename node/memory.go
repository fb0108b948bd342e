package node

import (
	"context"
	"runtime/metrics"
	"time"

	"flowring/router"
)

// POSTs are refused from fullAt per cent of the memory limit on, until memory is below roomAt again (P12). The Go runtime keeps the
// process below nine tenths of the limit (cmd/flowring) for as long as what is in use leaves it something to collect: from fullAt to there
// is for the requests that are under way, and for the collector, which would otherwise run all the time. Hours take half of the limit,
// by store.Config.MemoryBudget, so that memory gets below roomAt without reads having to stop.
const (
	fullAt    = 75
	roomAt    = 65
	lookEvery = 100 * time.Millisecond
)

// inUse are the parts of the memory of a Go process that do not go by collecting garbage: what the last collection found to be in use,
// which near the limit is never long ago, and what is not the heap's. To read them takes some microseconds.
var inUse = [...]string{
	"/gc/heap/live:bytes", "/memory/classes/heap/stacks:bytes", "/memory/classes/os-stacks:bytes",
	"/memory/classes/metadata/mcache/inuse:bytes", "/memory/classes/metadata/mspan/inuse:bytes", "/memory/classes/metadata/other:bytes",
	"/memory/classes/profiling/buckets:bytes", "/memory/classes/other:bytes",
}

// memoryInUse returns how many bytes of memory the process has in use.
func memoryInUse() int64 {
	var samples [len(inUse)]metrics.Sample
	for i := range samples {
		samples[i].Name = inUse[i]
	}
	metrics.Read(samples[:])
	sum := uint64(0)
	for _, s := range samples {
		if s.Value.Kind() == metrics.KindUint64 {
			sum += s.Value.Uint64()
		}
	}
	return int64(sum)
}

// watchMemory looks how much memory is in use until ctx ends.
func (n *Node) watchMemory(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		n.checkMemory()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (n *Node) checkMemory() {
	used := n.deps.Memory()
	n.memory.Store(used)
	percent := used / (n.cfg.MemoryLimit / 100)
	full := percent >= fullAt || percent >= roomAt && n.lowMemory.Load()
	if n.lowMemory.Swap(full) != full {
		n.log.Warn("memory", "full", full, "in_use", used, "limit", n.cfg.MemoryLimit)
	}
}

// maxPosts returns how many POSTs may be in progress: as the setting says, and without it one for each 32 KiB of memory, as one that
// waits takes less. To refuse many at once costs more than to have them wait. 0 stands for the router's default.
func (c Config) maxPosts() int {
	if c.MaxPosts > 0 || c.MemoryLimit == 0 {
		return c.MaxPosts
	}
	return max(int(c.MemoryLimit/(32<<10)), router.DefaultMaxPosts)
}

// maxBuffered returns how many bytes the bodies of POSTs may take: as the setting says, and without it 8 of the largest, but a quarter of
// the memory at most. Three of the largest must fit, or one that is compressed might never be taken.
func (c Config) maxBuffered() int64 {
	if c.MaxBuffered > 0 || c.MemoryLimit == 0 {
		return max(c.MaxBuffered, 0)
	}
	return max(min(8*c.MaxBody, c.MemoryLimit/4), 3*c.MaxBody)
}
