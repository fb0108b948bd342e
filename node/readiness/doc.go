// Package readiness decides whether a node may be sent requests, and states the reason if not.
//
// A node becomes ready after its start under four conditions:
//
//	(a) W established stores, its own included, answered at least once since the start. A node in contact with fewer
//	    refuses every write, and a balancer would send it a share of the writes.
//	(b) Its store has recovered. The next node of a rolling update stops as soon as this one is ready.
//	(c) No other node refuses this one because the two cannot be in one cluster.
//	(d) A round of heartbeats has told the other nodes that its store is established. Otherwise they would place hours
//	    in another way than this node, and each of the two could take a request for a new one.
//
// Conditions (a), (b) and (d) are met for good: a node without a quorum later serves reads as well as any other node.
// Condition (c) comes before the others as long as this node must be taken for the newcomer with the wrong settings.
// This ends for good once most of the established stores answered, or after settledAfter of readiness.
//
// A node without a sign of another node for aloneLimit becomes ready for the hours on its own disk.
//
// State is an immutable value and State.Step is a pure function of an Observation. Tracker holds a State for several
// goroutines.
package readiness
