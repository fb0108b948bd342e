package node

import (
	"testing"

	"flowring/store/limits"
)

// Most flows of an hour come to be in most of its slices. Each slice therefore has the limits of the hour.
func TestEachSliceHasTheLimitsOfItsHour(t *testing.T) {
	c := Config{MaxFlowsPerHour: 10, MaxNamesPerHour: 7, MaxHours: 3, HourSlices: 4}
	if got, want := c.storeLimits(nil), (limits.Limits{Flows: 10, Names: 7, Slices: 12}); got != want {
		t.Errorf("storeLimits = %+v, want %+v", got, want)
	}
}
