package heap

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The Go runtime collects garbage each time the heap has doubled. That suits neither a small heap nor the heap of many
// flows:
//
//   - A few bodies double the heap of a node with little data, so the node would spend much of its CPU time on
//     collections. Garbage may therefore grow the heap to a floor: heapFloor, or an eighth of the memory limit.
//   - A collection costs as much as the memory that has pointers, which the collector scans. The columns of flows have
//     none. Above the floor garbage may therefore take as much as the memory that has pointers, a fourth of the live
//     heap, or a fourth of the floor, whichever is most. It never takes more than the live heap.
//
// KeepFloor adjusts the percentage of GOGC to the live heap. A block of unused memory (a ballast) would have the same
// effect as the floor, but it would count towards the memory limit and in every metric of the heap.
const (
	heapFloor   = 72 << 20
	heapDefault = 100     // percentage without a floor
	heapShare   = 4       // garbage takes at least this part of the live heap, and of the floor
	heapLeast   = 4 << 20 // bytes; the runtime does not collect a smaller heap at heapDefault
)

// Floor returns the size of the heap in bytes below which garbage is not collected, for a memory limit; 0: no limit.
func Floor(limit int64) int64 {
	if limit == 0 {
		return heapFloor
	}
	return min(heapFloor, limit/8)
}

// use is the memory of the heap in bytes.
type use struct {
	live     int64 // left by the last collection
	pointers int64 // of objects with pointers, which a collection scans
}

// percent returns the growth of the heap before a collection, in per cent of the live heap.
func (u use) percent(floor int64) int {
	live := max(u.live, heapLeast) // the runtime treats a smaller heap as this size
	garbage := max(u.pointers, live/heapShare, floor/heapShare)
	return int(max(min(garbage, live), floor-live) * 100 / live)
}

// KeepFloor adjusts the percentage to the live heap until ctx ends, unless the environment sets GOGC. The live heap
// changes with each collection, so KeepFloor wakes up after each, and an idle process has none. A change stops the
// process for some microseconds, so KeepFloor changes the percentage only if it differs by more than an eighth.
func KeepFloor(ctx context.Context, floor int64) {
	if os.Getenv("GOGC") != "" {
		return
	}
	collected := make(chan struct{}, 1)
	for set := heapDefault; ; {
		awaitCollection(collected)
		if want := measure().percent(floor); want > set+set/8 || want < set-set/8 {
			debug.SetGCPercent(want)
			set = want
		}
		select {
		case <-collected:
		case <-ctx.Done():
			debug.SetGCPercent(heapDefault)
			return
		}
	}
}

// awaitCollection sends to a channel with room for one value after the next collection.
func awaitCollection(collected chan<- struct{}) {
	type garbage struct{ _ *byte } // an object without a pointer could share its memory with others, which stay
	runtime.AddCleanup(new(garbage), func(collected chan<- struct{}) {
		select {
		case collected <- struct{}{}:
		default: // KeepFloor has ended
		}
	}, collected)
}

// measure returns the memory of the heap.
func measure() use {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/heap:bytes"}}
	metrics.Read(samples)
	return use{live: bytes(samples[0]), pointers: bytes(samples[1])}
}

// bytes returns the value of a sample; 0 if the runtime does not know it.
func bytes(s metrics.Sample) int64 {
	if s.Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(s.Value.Uint64())
}
