package heap

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The Go runtime collects garbage each time the heap has doubled. A node that holds little has a small heap, which a few bodies double:
// it would spend a sixth of its CPU on collecting. So garbage may take the heap to a floor before it is collected, whatever is in use:
// to heapFloor, or an eighth of the memory limit. Above the floor and near the limit the runtime decides as it always does.
//
// It is done by the percentage that GOGC stands for, as what is in use asks. Memory that nobody touches (a ballast) would do the same and
// count towards the memory limit and in every metric of the heap.
const (
	heapFloor   = 128 << 20
	heapDefault = 100     // the percentage without a floor
	heapLeast   = 4 << 20 // bytes that the runtime collects nothing below, at that percentage
	heapEvery   = 100 * time.Millisecond
)

// Floor returns the size in bytes that the heap may have before garbage is collected, under a memory limit; 0: there is none.
func Floor(limit int64) int64 {
	if limit == 0 {
		return heapFloor
	}
	return min(heapFloor, limit/8)
}

// heapPercent returns how many per cent of what is in use the heap may grow by before garbage is collected.
func heapPercent(live, floor int64) int {
	live = max(live, heapLeast) // of which the runtime takes the same percentage, when less is in use
	return int(max(floor*100/live-100, heapDefault))
}

// KeepFloor adapts the percentage to what is in use until ctx ends, unless the environment sets it. To change it stops the process for
// some microseconds, so that is done only when it matters.
func KeepFloor(ctx context.Context, floor int64) {
	if os.Getenv("GOGC") != "" {
		return
	}
	tick := time.NewTicker(heapEvery)
	defer tick.Stop()
	for set := heapDefault; ; {
		if want := heapPercent(liveHeap(), floor); want > set+set/8 || want < set-set/8 || want == heapDefault && set != want {
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

// liveHeap returns how many bytes the last collection found to be in use.
func liveHeap() int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(sample[0].Value.Uint64())
}
