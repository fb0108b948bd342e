package node

import (
	"flowring/node/queries"
	"flowring/router"
	"flowring/store/limits"
)

// storeLimits returns the limits of one slice and of the store. Each slice of an hour may have all flows and names of
// the hour, because most of them come to be in most slices. An hour spread over several nodes counts at each node by
// the slices held there.
func (c Config) storeLimits(clock limits.Clock) limits.Limits {
	return limits.Limits{
		Flows: c.MaxFlowsPerHour, Names: c.MaxNamesPerHour, Slices: c.MaxHours * c.HourSlices,
		Ahead: limits.Ahead(c.Hours, c.MaxFuture), Clock: clock,
	}
}

// queries returns the configuration of queries. A group takes up to 100 bytes, and the groups of all queries at a store
// are limited to twice those of one query.
func (c Config) queries(deps Deps) queries.Config {
	groups := c.MaxGroupsPerQuery
	if groups == 0 && c.MemoryLimit > 0 {
		groups = int(min(c.MemoryLimit/512, queries.DefaultMaxGroups))
	}
	return queries.Config{
		Slices: c.HourSlices, MaxHours: c.MaxHoursPerQuery, MaxGroups: groups, MaxQueries: c.MaxQueries,
		Timeout: c.QueryTimeout, Disabled: deps.Disabled,
	}
}

// maxPosts returns how many POSTs may be in progress: the setting, or else one for each 32 KiB of memory, because a
// waiting POST takes less. It costs more to refuse many POSTs at once than to let them wait. 0 stands for the router's
// default.
func (c Config) maxPosts() int {
	if c.MaxPosts > 0 || c.MemoryLimit == 0 {
		return c.MaxPosts
	}
	return max(int(c.MemoryLimit/(32<<10)), router.DefaultMaxPosts)
}

// connections returns how many connections a port may have: its setting, or else one for each 256 KiB of memory,
// because a connection of HTTP/2 may use about 200 KiB. At the public port it is also the limit of the requests of
// HTTP/2.
func (c Config) connections(setting int) int {
	if setting > 0 || c.MemoryLimit == 0 { // 0: no limit
		return setting
	}
	return max(int(c.MemoryLimit/(256<<10)), 2048)
}

// maxBuffered returns how many bytes the bodies of POSTs may take: the setting, or else 8 of the largest bodies, at
// most a quarter of the memory. Three of the largest bodies must fit, because a compressed body might otherwise never
// be admitted.
func (c Config) maxBuffered() int64 {
	if c.MaxBuffered > 0 || c.MemoryLimit == 0 {
		return max(c.MaxBuffered, 0)
	}
	return max(min(8*c.MaxBody, c.MemoryLimit/4), 3*c.MaxBody)
}
