// Package directory remembers other nodes between two heartbeats: the address of each store's node, its last report
// about itself, the begin of each absence, and the departures and returns of nodes.
//
// The gossip and the answers to heartbeats are the sources. The package makes no call and logs nothing. A Directory and
// Statuses are safe for concurrent use. Absence and Presence are for the goroutine of the heartbeats.
package directory
