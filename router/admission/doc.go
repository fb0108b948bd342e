// Package admission decides which POST may use the node's memory and CPU, and when (P12).
//
// A Controller bounds three things: the POSTs in progress, the bytes of their bodies, and the active POSTs. A POST
// beyond the limit on active POSTs waits before its body is read, which costs only a connection. A POST beyond the
// count or the bytes is refused, because a queue of half-read bodies would use the protected memory. CPUSlots bound
// the number of answers to GETs in computation.
//
//	Enter --> Ticket --> Wait --> Reserve ... --> Release --> Close
//	  |                   |         |
//	  +-- OverloadError --+---------+
//
// Invariants:
//
//   - The totals of the Controller are the sums over its clients.
//   - A client never has more than 4 times the free amount of a bounded thing. One client alone therefore leaves a
//     fifth for later clients.
//   - Clients with a waiting POST take turns. The POSTs of one client are granted in the order of their arrival.
//
// Controller and CPUSlots are safe for concurrent use. A Ticket belongs to one goroutine, but any goroutine may call
// Release.
package admission
