// Package stranger calls nodes from outside of their cluster: which roster does a node tell, and which one does it
// take? Tests send it a roster with a field of a later program, and read the rosters of all nodes.
//
// A call is a heartbeat of a caller without a store, so it adds nothing to the roster but the fields that are sent. The
// caller speaks every version that a test may turn on.
//
// The package is for tests alone. Its functions may be called from any goroutine.
package stranger
