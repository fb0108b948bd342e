package node

import "flowring/store"

// storeLimits returns the limits of one slice and of the store. Any slice of an hour may have all of its flows, and names.
// Hours that are spread over several nodes count for each of them by the slices that it holds.
func (c Config) storeLimits() store.Limits {
	return store.Limits{
		Flows:  c.MaxFlowsPerHour,
		Names:  c.MaxNamesPerHour,
		Slices: c.MaxHours * c.HourSlices,
	}
}
