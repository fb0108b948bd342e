package node

import "flowring/store"

// storeLimits returns the limits of one slice and of the store. Flows are spread over the slices of an hour by their hash, so each
// slice gets its part of them, rounded up. Any slice may have any name. Hours that are spread over several nodes count for each of
// them by the slices that it holds.
func (c Config) storeLimits() store.Limits {
	return store.Limits{
		Flows:  (c.MaxFlowsPerHour + c.HourSlices - 1) / c.HourSlices,
		Names:  c.MaxNamesPerHour,
		Slices: c.MaxHours * c.HourSlices,
	}
}
