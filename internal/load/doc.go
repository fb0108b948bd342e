// Package load makes load for a cluster and measures how it is taken: the engine of `flowring bench`.
//
// A Generator makes posts: the n-th post of a Shape is the same in every run, so a run can be repeated, and what a cluster should
// hold after it can be worked out without having kept any of it (Generator.Expect). Bodies are put together from pieces that are
// encoded once, and a Zipf distribution is drawn from a table: the load must cost much less than taking it.
//
// A Runner sends posts on a number of connections, either each as soon as there is an answer to the one before (closed loop), or at
// a set rate (open loop). In an open loop a post's latency is counted from when it was due, not from when a connection was free
// for it: a cluster that stalls for a second must not look as if only a few posts had waited ("coordinated omission").
//
// A Sender makes the requests, by router/client and with its rules for retries, and counts each of them in a Traffic. A Histogram keeps latencies in bounded memory with a relative error below 1 %.
//
// A Generator is immutable. Runner, Traffic and Histogram may be looked at while they run; Run waits for all that it starts.
package load
