// Package count has the numbers about a store, for metrics and for the report of its node.
//
// Counters grow while the store works. Stats are all numbers at one moment: those of the counters, and those that the
// store finds by looking at its slices.
//
// Invariant: a counter never falls during a process, and starts at zero.
//
// Counters may be used by many goroutines. Stats are a copy.
package count
