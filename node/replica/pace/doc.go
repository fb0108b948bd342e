// Package pace slows down background work and extra work. A Pacer keeps copies to a rate in bytes per second, and a
// Share keeps work to a part of the time. A Budget keeps extra attempts to a share of the regular ones, because a slow
// cluster must not get more work from its slowness.
//
// Concurrency: a Share is for one goroutine, and the others are safe for concurrent use. The users of one Pacer share
// its rate.
package pace
