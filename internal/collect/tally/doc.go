// Package tally answers one question: which requests do many small records become? A Tally adds up records by flow and
// hour. Payload writes its sums as the requests that an agent will send, in the form in which they wait on disk; Parse
// reads them back.
//
//	payload = request*
//	request = hour varint | records uvarint | length uvarint | body [length]byte
//	body    = a JSON array of records, as POST /flows takes it
//
// Invariants: the sum of the requests is the sum of the records that were added. A request has one hour, so that a
// closed hour refuses no other one. A body has at most the given length, unless it is one record. The order of the
// requests, and so their keys, follow from the payload alone.
//
// A Tally serves one goroutine. Parse is pure.
package tally
