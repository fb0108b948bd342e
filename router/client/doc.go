// Package client calls a Flowring cluster over its public HTTP API.
//
// A Client has several targets and uses any of them. Post repeats a request on the next target after a lost
// connection, an unknown outcome or a temporary refusal (5xx). All attempts have one Idempotency-Key. Post ends
// with an acknowledgement, with a permanent refusal, or with ctx. An acknowledged request counts exactly once (P2,
// P3).
//
// A write has three outcomes, and the error shows the outcome:
//
//	nil              applied, once
//	*Problem         not applied: every attempt was refused before anything was stored
//	*UnknownError    applied in whole, in part or not at all; another Post with its Key and the same body completes it
//
// Each target has its own delay: after a failure its Retry-After, or a random delay that doubles with each failure
// of the target. Meanwhile the client tries the other targets. It waits only if all targets have a delay.
//
// The transport asks for gzip and decompresses it. A truncated hour fails with and without gzip (P5).
//
// A Client is safe for concurrent use and starts no goroutines. The context is the only limit of a call, so a call
// without a deadline may last for ever.
//
// The package is internal to this module today: the module path "flowring" has no host, so other modules cannot
// import it.
package client
