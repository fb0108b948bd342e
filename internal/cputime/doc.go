// Package cputime answers one question for benchmarks: how much CPU time does a piece of work take? Unlike wall-clock
// time it does not grow while other processes run.
//
// The times are those of the whole process, so a benchmark must not run beside another one. The package has no state
// and is for tests alone.
package cputime
