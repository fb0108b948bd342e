// Package room answers one question: which memory do the parsed batches of one call take?
//
// A replica parses the batches of a call, adds them to its totals and forgets them. A Room is the memory of such
// batches, which the next call uses again. Without it each batch would leave three times its length to the garbage
// collector.
//
// Invariants:
//
//   - What a Room gives out keeps its content until Reset. Then all of it is lent again.
//   - A nil *Room is always empty, so that what it gives out is new and stays.
//   - A Room keeps at most Kept bytes or so of each kind of memory over a Reset, whatever a call had (P12).
//
// A Room serves one goroutine.
package room
