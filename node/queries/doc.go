// Package queries answers questions about many hours: it proves the completeness of all hours with one call to each
// store, has the stores add their slices up, and merges one stream of groups from each store.
//
//	node asked                        each store
//	   |--- digests(from, to) ---------->|   one call for all slices of the range
//	   |  judge each slice (replica/proof), choose a store for each
//	   |--- query(spec, slices) -------->|   adds its slices up: one sum for each group
//	   |<-- head: the slices added up ---|   all heads are there before the reader gets the first row
//	   |<-- groups, sorted --------------|   merged while the reader reads (flow/query/merge)
//
// A slice is settled if a store holds exactly the union of all digests and each dot of the union is on W stores. Then
// the judgement of the node asked holds for that store, as long as the store adds up exactly these batches. The store
// compares a hash of its digest with the judged one. If they differ, or the slice is not settled, the store makes the
// round of a GET for the slice and adds up that reading.
//
// Invariants:
//
//   - All rounds end before the first row (P4, P5). An error after the first row ends the rows: an answer is never
//     silently short.
//   - Each slice is added up once, by one store, from one reading (P11).
//   - A store that fails before its head is replaced by another one; a store that fails later fails the answer.
//   - The work of a query ends with its context at every node.
//   - Writes go first: while a store takes batches, a query rests longer than it works (work.go).
//
// A Queries is safe for concurrent use. Rows belong to one goroutine. Adding up and merging take CPU slots, and hold
// none while they wait for a store or for the reader.
package queries
