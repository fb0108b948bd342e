// Package founding answers one question: which of several nodes without a cluster founds one?
//
// An Expectation says which nodes of the join list are in view, and whether they are enough. Once the expectation of
// each node of a group is met and all of them see the same nodes, the first name that the join addresses of all others
// lead to is the founder (docs/decisions/0004). Package node asks the nodes and announces the intention.
//
// Invariant: nodes that see the same nodes and know the same calls name the same founder.
//
// The functions are pure, and an Expectation is immutable. Any goroutine may use both.
package founding
