// Package ask reads the questions of clients: which query does a URL ask for, and which URL asks for a query?
//
//	/flows?from=-24h&src_app=web-*&group_by=src_app&top=10     Parse --> Query --> Resolve(now) --> query.Spec
//	/flows?from=498873&to=498898&...&cursor=AbC                Values <-- Query
//
// A Query keeps the ends of its range as the client wrote them, because a stream of a query moves with the clock.
// Resolve turns them into hours. The clock is a parameter of Resolve, and the package reads no other one. Relative
// times and times as text mean hours since the Unix epoch.
//
// A cursor names the place behind the last row of a page. It is opaque to clients:
//
//	base64url of: version (1 byte, 1) | check (8) | varint From | varint To | varint Time |
//	              uvarint length, Src | ... Dest | ... VPC
//
// From and To are the range that the first page resolved, so that all pages have one range. The check is a hash of the
// rest and of the parameters that choose rows: a damaged cursor, and a cursor of another query, are refused. Limit,
// format, numbers, require and partial may change between pages.
//
// Invariants:
//
//   - Every refusal is the problem query; it names the parameter, the value and the correction.
//   - Parse(q.Values()) = q for every Query that Parse returns.
//
// The package has no state and does no I/O. A Query is immutable, so any number of goroutines may use it.
package ask
