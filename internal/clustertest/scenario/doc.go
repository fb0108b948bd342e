// Package scenario answers one question: how is a history of a cluster written down? As text that a person reads, a
// random generator writes and a shrinker cuts. Package clustertest executes it.
//
// A Scenario is immutable, and the package is for tests alone.
package scenario
