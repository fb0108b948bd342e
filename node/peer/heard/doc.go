// Package heard answers one question: did the last call to a peer get an answer?
//
// A Book is the circuit breaker of a node's calls. Callers skip a silent peer until it answers a heartbeat.
//
// Invariants:
//
//   - An address without a call counts as heard.
//   - A silence lasts from the first call without an answer until the next answer.
//
// A Book may be used by many goroutines.
package heard
