// Package owners does one thing with the batches of a posting at their owners: one call for all batches of each owner.
//
// A posting may have a thousand hours, and a cluster has a few owners. Calls says when all calls have succeeded, and
// gives the call of each batch to the caller, which continues with other stores if that call fails or is slow.
// InParallel does something with each batch alone.
//
// Invariant: each batch with a candidate is in exactly one call.
//
// Calls may be used by many goroutines. A call ends once, and all of its waiters get its result.
package owners
