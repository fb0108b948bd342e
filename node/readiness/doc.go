// Package readiness decides whether a node may be sent requests, and states the reason if not.
//
// A node that starts becomes ready under three conditions:
//
//	(a) W established stores, its own included, answered at least once since the start. A node that reaches fewer refuses
//	    every write, and a balancer would send it a share of the writes.
//	(b) Its store has recovered. The next node of a rolling update stops as soon as this one is ready.
//	(c) No other node refuses this one because the two cannot be in one cluster.
//
// Conditions (a) and (b) are met for good: a node that loses the quorum later serves reads as well as any other node. Condition (c) comes
// before the others while this node has to be taken for the newcomer that does not fit. That ends for good once most of the established
// stores answered, or once the node was ready for settledAfter.
//
// A node that hears nothing of another node for aloneLimit becomes ready for the hours that it can read.
//
// State is an immutable value and State.Step is a pure function of an Observation. Tracker holds a State for several goroutines.
package readiness
