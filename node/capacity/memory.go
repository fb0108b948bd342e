package capacity

import (
	"context"
	"log/slog"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// POSTs are refused from fullAt per cent of the memory limit on, until memory is below roomAt again (P12). The Go
// runtime keeps the process below nine tenths of the limit (cmd/flowring) as long as there is garbage to collect. The
// memory from fullAt to nine tenths is for the requests under way, and for the collector, which would otherwise run all
// the time. Hours take half of the limit (store.Config.MemoryBudget), so memory gets below roomAt while reads go on.
const (
	fullAt = 75
	roomAt = 65
)

// Memory below calmBelow per cent of the limit is observed seldom, because the bodies of POSTs, which take at most a
// fourth of the limit, and the flows of a second do not fill the rest.
const (
	calmBelow  = 25
	checkEvery = 100 * time.Millisecond
	calmEvery  = time.Second
)

// Memory compares the memory of the process with a limit.
type Memory struct {
	limit int64
	read  func() int64
	log   *slog.Logger
	inUse atomic.Int64
	full  atomic.Bool
}

// NewMemory returns a Memory before its first observation. limit is in bytes. read returns the bytes in use; nil:
// InUse.
func NewMemory(limit int64, read func() int64, log *slog.Logger) *Memory {
	if read == nil {
		read = inUse
	}
	return &Memory{limit: limit, read: read, log: log}
}

// Full reports whether the node must refuse POSTs.
func (m *Memory) Full() bool { return m.full.Load() }

// InUse returns the bytes in use at the last observation; 0 before the first one.
func (m *Memory) InUse() int64 { return m.inUse.Load() }

// Limit returns the limit in bytes.
func (m *Memory) Limit() int64 { return m.limit }

// Watch observes the memory until ctx ends. Without a limit it returns at once.
func (m *Memory) Watch(ctx context.Context) {
	if m.limit == 0 {
		return
	}
	for {
		m.check()
		wait := checkEvery
		if m.percent() < calmBelow {
			wait = calmEvery
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

func (m *Memory) check() {
	m.inUse.Store(m.read())
	percent := m.percent()
	full := percent >= fullAt || percent >= roomAt && m.full.Load()
	if m.full.Swap(full) != full {
		m.log.Warn("memory", "full", full, "in_use", m.InUse(), "limit", m.limit)
	}
}

func (m *Memory) percent() int64 { return m.InUse() / (m.limit / 100) }

// inUseMetrics are the parts of the memory of a Go process outside the reach of the next garbage collection: the live
// heap of the last one, which near the limit is never long ago, and the memory outside the heap. Reading them takes
// some microseconds.
var inUseMetrics = [...]string{
	"/gc/heap/live:bytes", "/memory/classes/heap/stacks:bytes", "/memory/classes/os-stacks:bytes",
	"/memory/classes/metadata/mcache/inuse:bytes", "/memory/classes/metadata/mspan/inuse:bytes",
	"/memory/classes/metadata/other:bytes",
	"/memory/classes/profiling/buckets:bytes", "/memory/classes/other:bytes",
}

// inUse returns the bytes of memory in use by the process.
func inUse() int64 {
	var samples [len(inUseMetrics)]metrics.Sample
	for i := range samples {
		samples[i].Name = inUseMetrics[i]
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
