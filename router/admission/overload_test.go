package admission

import "testing"

func TestRetryAfterGrowsWithTheOverload(t *testing.T) {
	for _, tt := range []struct{ granted, refused, most int }{{100, 1, 2}, {100, 150, 3}, {100, 900, 5}, {0, 1000, 5}} {
		l, seen := recentLoad{granted: tt.granted, refused: tt.refused}, map[int]bool{}
		for range 500 {
			seen[l.retryAfter()] = true
		}
		if len(seen) != tt.most || !seen[1] || !seen[tt.most] {
			t.Errorf("%d refused and %d granted: Retry-After is one of %v, want 1 to %d", tt.refused, tt.granted, seen, tt.most)
		}
	}
}
