package queries

import (
	"math"
	"testing"
	"time"
)

// A query rests after its work in proportion to the batches that were written meanwhile.
func TestWritesGoFirst(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name    string
		worked  time.Duration
		batches uint64
		want    time.Duration
	}{
		{"no writes", time.Second, 0, 0},
		{"a write now and then", 100 * ms, 1, 4 * ms},
		{"some writes", 10 * ms, 5, 20 * ms},
		{"as many writes as the node can take", 10 * ms, 10, 40 * ms},
		{"many small writes", 10 * ms, 10_000, 40 * ms},
		{"a short piece of work", ms / 10, 1, 4 * ms / 10},
		{"more writes than any node takes", 10 * ms, math.MaxUint64, 40 * ms},
	} {
		if got := rest(tt.worked, tt.batches); got != tt.want {
			t.Errorf("%s: rest(%v, %d) = %v, want %v", tt.name, tt.worked, tt.batches, got, tt.want)
		}
	}
}
