// Package client talks to a Flowring cluster over its public HTTP contract.
//
// A Client is given several targets and uses any that answers. Post repeats a request whose outcome is unknown or that was
// refused for now (5xx, a lost connection) on the next target, always with the same Idempotency-Key, until it is acknowledged,
// refused for good or ctx ends: what was acknowledged is counted exactly once (P2), whatever happened on the way (P3).
//
// A write has three outcomes, and the error shows which:
//
//	nil              applied, once
//	*Problem         not applied: every attempt was refused before anything was stored
//	*UnknownError    applied wholly, in part or not at all; Post again with its Key and the same body makes it whole
//
// Waiting is per target: after a failure a target is left alone for its Retry-After, or for a time that doubles with each of its
// failures and is drawn at random, while the others are tried. Only when all are to be left alone does the client wait.
//
// Hours come compressed with gzip, which the transport asks for and undoes; one that is cut short fails either way (P5).
//
// A Client is safe for concurrent use and starts no goroutines; calls are bounded by their context alone, so one without a
// deadline may wait for ever.
//
// The package is internal to this module today: the module path "flowring" has no host, so other modules cannot import it.
package client
