// Package admission decides which POST may use the node's memory and CPU, and when (P12).
//
// A Controller bounds three things: the POSTs in progress, the bytes of their bodies, and the POSTs that are
// active. A POST that exceeds the limit on active POSTs waits before its body is read, which costs only a
// connection. A POST that exceeds the count or the bytes is refused, because a queue of half-read bodies would use
// the memory that the limits protect. CPUSlots bound the answers to GETs that are computed at one moment.
//
//	Enter --> Ticket --> Wait --> Reserve ... --> Release --> Close
//	  |                   |         |
//	  +-- OverloadError --+---------+
//
// Invariants:
//
//   - The totals of the Controller are the sums over its clients.
//   - A client never has more than 4 times the free amount of a bounded thing. One client alone therefore leaves a
//     fifth for the clients that come later.
//   - Clients with a waiting POST take turns. Within a client the POST that came first is granted first.
//
// Controller and CPUSlots are safe for concurrent use. A Ticket belongs to one goroutine, except that Release may be
// called from any.
package admission
