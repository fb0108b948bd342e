// Package memnet is a network in memory, with faults, for tests that run a whole cluster in one process.
//
// A Net has hosts, each with an IP address. A Host is the view that one process has of the network: it listens, dials and
// resolves names as the machine's network does (it satisfies node.Network), and Crash ends it as the death of the process would.
// Streams behave as TCP and packets as UDP, with the same kinds of errors, so net/http and memberlist run over it unchanged.
//
// Every pair of hosts has one link in each direction, with its own latency, loss, cuts and counters. What happens on it:
//
//   - Bytes of a stream arrive in order, after the latency that the link had when they were sent. A cut holds back what is
//     sent during it, as retransmission does; after the heal it arrives. What was on its way when the cut began still arrives.
//     The end of a stream (close, reset) travels in the same way.
//   - Packets are dropped by a cut, by chance (SetLoss), when nobody listens, and when the receiver's queue is full.
//   - A dial takes one round trip. It waits while either direction is cut, fails at once where the process is gone or nobody
//     listens (ECONNREFUSED), and where there never was a host (EHOSTUNREACH).
//   - A stream holds 256 KiB that the reader has not taken; then its writer waits. Acknowledgements cost nothing and are never
//     cut: over a one-way cut the open direction flows on. No stream ever times out by itself.
//
// Port means the port of who listens, for both directions of a stream: that is what Traffic and Count select by.
//
// Concurrency: everything is safe for concurrent use. There are no goroutines: data carries its time of arrival, and who reads
// waits for it. All waiting is on channels and timers, never under a mutex, so it is durably blocking in a testing/synctest
// bubble, where latencies are exact; create the Net inside the bubble. Locks are taken in the order Net, then stream or packet
// connection. Loss is drawn from the seed alone.
package memnet
