package heap

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

func TestGarbageFollowsTheMemoryWithPointers(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct {
		name  string
		use   use
		floor int64
		want  int
	}{
		{"no collection yet", use{}, 96 * mib, 2300},
		{"a small heap grows to the floor", use{16 * mib, 4 * mib}, 96 * mib, 500},
		{"a heap near the floor grows by a fourth of the floor", use{80 * mib, 4 * mib}, 96 * mib, 30},
		{"a large heap of columns grows by a fourth", use{900 * mib, 20 * mib}, 96 * mib, 25},
		{"a large heap of pointers doubles", use{900 * mib, 900 * mib}, 96 * mib, 100},
		{"garbage takes as much as the memory with pointers", use{400 * mib, 200 * mib}, 96 * mib, 50},
		{"the memory with pointers has grown since the last collection", use{200 * mib, 300 * mib}, 96 * mib, 100},
	} {
		if got := tt.use.percent(tt.floor); got != tt.want {
			t.Errorf("%s: %+v.percent(%d) = %d, want %d", tt.name, tt.use, tt.floor, got, tt.want)
		}
	}
	for limit, want := range map[int64]int64{0: 72 * mib, 256 * mib: 32 * mib, 1024 * mib: 72 * mib, 64 << 30: 72 * mib} {
		if got := Floor(limit); got != want {
			t.Errorf("Floor(%d) = %d, want %d", limit, got, want)
		}
	}
	if u := measure(); u.live < 0 || u.pointers <= 0 {
		t.Errorf("measure() = %+v, want the memory of this process", u)
	}
}

// percentage returns the current percentage of the runtime.
func percentage() uint64 {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// A collection is noticed however often one is awaited.
func TestEachCollectionIsAwaited(t *testing.T) {
	for range 3 {
		collected := make(chan struct{}, 1)
		awaitCollection(collected)
		runtime.GC()
		select {
		case <-collected:
		case <-t.Context().Done():
			return
		}
	}
}

func TestTheFloorIsKeptUnlessTheEnvironmentDecides(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(heapDefault))
	run := func(floor int64, look func()) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { KeepFloor(ctx, floor); close(done) }()
		look()
		cancel()
		<-done
	}
	run(1<<40, func() {
		for percentage() == heapDefault { // until it has been set
			select {
			case <-t.Context().Done():
				return
			default:
			}
		}
	})
	if got := percentage(); got != heapDefault {
		t.Errorf("the percentage afterwards = %d, want %d", got, heapDefault)
	}
	t.Setenv("GOGC", "50")
	debug.SetGCPercent(50)
	KeepFloor(t.Context(), 1<<40) // returns at once
	if got := percentage(); got != 50 {
		t.Errorf("the percentage with GOGC=50 = %d, want 50", got)
	}
}
