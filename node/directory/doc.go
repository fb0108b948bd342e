// Package directory remembers other nodes between two heartbeats: where the node of each store is, what it last reported of itself, since
// when a store does not answer, and which nodes went away and returned.
//
// The gossip and the answers to heartbeats are the sources; the package makes no call and logs nothing. A Directory and Statuses are safe
// for concurrent use. Absence and Presence are for the goroutine of the heartbeats.
package directory
