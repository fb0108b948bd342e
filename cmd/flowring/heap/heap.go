package heap

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The Go runtime collects garbage each time the heap has doubled. A node with little data has a small heap, which a few
// bodies double, so the node would spend a sixth of its CPU time on collections. Garbage may therefore grow the heap to
// a floor before a collection: heapFloor, or an eighth of the memory limit. Above the floor and near the limit the
// runtime decides as always.
//
// KeepFloor adjusts the percentage of GOGC to the live heap. A block of unused memory (a ballast) would have the same
// effect, but it would count towards the memory limit and in every metric of the heap.
const (
	heapFloor   = 128 << 20
	heapDefault = 100     // percentage without a floor
	heapLeast   = 4 << 20 // bytes; the runtime does not collect a smaller heap at that percentage
	heapEvery   = 100 * time.Millisecond
)

// Floor returns the size of the heap in bytes below which garbage is not collected, for a memory limit; 0: no limit.
func Floor(limit int64) int64 {
	if limit == 0 {
		return heapFloor
	}
	return min(heapFloor, limit/8)
}

// heapPercent returns the growth of the heap before a collection, in per cent of the live heap.
func heapPercent(live, floor int64) int {
	live = max(live, heapLeast) // the runtime treats a smaller heap as this size
	return int(max(floor*100/live-100, heapDefault))
}

// KeepFloor adjusts the percentage to the live heap until ctx ends, unless the environment sets GOGC. A change stops
// the process for some microseconds, so KeepFloor changes the percentage only if it differs by more than an eighth.
func KeepFloor(ctx context.Context, floor int64) {
	if os.Getenv("GOGC") != "" {
		return
	}
	tick := time.NewTicker(heapEvery)
	defer tick.Stop()
	for set := heapDefault; ; {
		want := heapPercent(liveHeap(), floor)
		if want > set+set/8 || want < set-set/8 || want == heapDefault && set != want {
			debug.SetGCPercent(want)
			set = want
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			debug.SetGCPercent(heapDefault)
			return
		}
	}
}

// liveHeap returns the bytes in use at the last collection.
func liveHeap() int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(sample[0].Value.Uint64())
}
