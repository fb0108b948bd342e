// Package memnet is a network in memory, with faults, for tests that run a whole cluster in one process.
//
// A Net has hosts, each with an IP address. A Host is the network of one process: it listens, dials and resolves
// names like the network of a machine (it satisfies node.Network). Crash ends it like the death of the process.
// Streams behave like TCP and packets like UDP, with the same kinds of errors. Therefore net/http and memberlist run
// over it unchanged.
//
// Every pair of hosts has one link in each direction, with its own latency, loss, cuts and counters:
//
//   - The bytes of a stream arrive in order, after the latency of the link at the time of the write. A cut holds back
//     the bytes of later writes, like retransmission; they arrive after the heal. Bytes in flight at the start of the
//     cut still arrive. The end of a stream (close, reset) travels in the same way.
//   - A packet is dropped by a cut, by chance (SetLoss), for lack of a listener, and by a full queue of the receiver.
//   - A dial takes one round trip. It waits while a cut stops either direction. It fails at once with ECONNREFUSED if
//     the process is gone or the port has no listener, and with EHOSTUNREACH if the address never had a host.
//   - A stream holds 256 KiB of unread bytes; then its writer waits. Acknowledgements cost nothing, and no cut stops
//     them: during a one-way cut the open direction flows on. No stream times out by itself.
//
// Traffic and Count select by port: the port of the listener, for both directions of a stream.
//
// Everything is safe for concurrent use. The package starts no goroutine: data carries its time of arrival, and the
// reader waits for that time. All waiting is on channels and timers, never under a mutex. It is therefore durably
// blocking in a testing/synctest bubble, where latencies are exact; create the Net inside the bubble. The order of
// locks is Net, then stream or packet connection. Loss depends on the seed alone.
package memnet
