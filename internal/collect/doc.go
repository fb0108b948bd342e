// Package collect answers one question: how do the datagrams of NetFlow and sFlow exporters become records of the
// cluster, each counted once? An Agent runs the path:
//
//	sockets -> queue -> workers: decode, map (flow/ingest), add up (tally) -> spool -> requests to any node
//
// A worker serves the exporters of some addresses, because a datagram must come behind its template. It adds up the
// records of an interval, writes the sums with a random key to the spool, and only then a request may have them.
//
// Invariants:
//
//   - The records of a datagram are in one payload of the spool. So a datagram counts as a whole or not at all,
//     wherever the process ends.
//   - A payload is sent with its key until it is stored or refused for good. So it counts once (P2), whatever happens
//     to the agent and to the cluster while the hour is open.
//   - Each datagram that was received is stored, waits, or is counted by the place and the reason of its loss.
//   - The queue, the sums of a worker, the held datagrams and the spool are bounded. A full one loses new datagrams.
//
// Start and Stop pair. Stop takes in the datagrams that the kernel has, writes all sums to the spool, and delivers them
// for a bounded time; the rest stays in the spool. Every goroutine ends in Stop.
package collect
