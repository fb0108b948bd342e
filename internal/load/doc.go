// Package load makes load for a cluster and measures how the cluster takes it: it is the engine of `flowring bench` and
// of the benchmark.
//
// A Generator makes posts. Post n of a Shape is the same in every run, so a run can be repeated, and Generator.Expect
// computes the totals of a cluster after a run without keeping any post. Bodies are put together from pieces that are
// encoded once, and a Zipf distribution is drawn from a table, because making a post must cost much less than taking
// it.
//
// A Runner sends posts over a number of connections: in a closed loop each connection sends its next post as soon as
// the last one is answered; in an open loop posts are due at a set rate. In an open loop the latency of a post counts
// from the time when the post was due, not from the time when a connection was free. Otherwise a stall of one second
// would look as if only a few posts had waited ("coordinated omission").
//
// A Sender makes the requests with router/client and its rules for retries, and counts each request in a Traffic. A
// Histogram keeps latencies in bounded memory with a relative error below 1 %. Readers read hours during a run.
//
// A Generator is immutable. Runner, Traffic and Histogram may be read while they run. Run waits for its goroutines.
package load
