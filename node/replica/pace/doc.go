// Package pace slows down background work and extra work. A Pacer keeps copies to a rate in bytes per second. A Budget
// keeps extra attempts to a share of the regular ones, so that a slow cluster does not get more work from being slow.
//
// Concurrency: both are safe for concurrent use. The goroutines that use one Pacer share its rate.
package pace
