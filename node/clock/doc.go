// Package clock answers one question: is the clock of this machine far from the clocks of the other nodes?
//
// Each heartbeat says the clock of its sender. Half of the time of a call counts as the way of the answer, so a
// difference is wrong by half of that time at most. Compare takes the differences of one round of heartbeats. The
// offset of this node is its difference to the median of the others. Of two middle values the one nearer to this node's
// clock is the median: a single wrong clock among two others then blames no other node. With one other node the offset
// is the difference to it, and both nodes are off. A node that says no clock, as earlier versions do, is left out.
//
// Invariants:
//
//   - An offset follows from the answers of one round alone. Without an answer the node is not off.
//   - A wrong clock makes no answer wrong and stops no call. Deletions by age must ask Off first.
//
// The log has one warning when the offset exceeds Limit, at most every WarnEvery, and one line when it is within Limit
// again.
//
// Concurrency: all methods may be called from any goroutine.
package clock
