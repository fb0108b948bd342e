package heap

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

func TestTheHeapGrowsToItsFloor(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct {
		name        string
		live, floor int64
		want        int
	}{
		{"no collection yet", 0, 128 * mib, 3100},
		{"a small heap", 16 * mib, 128 * mib, 700},
		{"a heap of half the floor doubles", 64 * mib, 128 * mib, 100},
		{"a heap above the floor doubles", 900 * mib, 128 * mib, 100},
	} {
		if got := heapPercent(tt.live, tt.floor); got != tt.want {
			t.Errorf("%s: heapPercent(%d, %d) = %d, want %d", tt.name, tt.live, tt.floor, got, tt.want)
		}
	}
	for limit, want := range map[int64]int64{0: 128 * mib, 256 * mib: 32 * mib, 1024 * mib: 128 * mib, 64 << 30: 128 * mib} {
		if got := Floor(limit); got != want {
			t.Errorf("Floor(%d) = %d, want %d", limit, got, want)
		}
	}
}

// percentage returns the current percentage of the runtime.
func percentage() uint64 {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
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
