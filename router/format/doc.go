// Package format writes the rows of an answer: which form does a client get, and how does a row look in it?
//
//	JSON     [{"src_app":"a","bytes_tx":1,"bytes_rx":2},
//	         {"src_app":"b","bytes_tx":3,"bytes_rx":4}]
//	NDJSON   the same objects, one a line
//	CSV      src_app,bytes_tx,bytes_rx
//	         a,1,2
//
// Table is the writer of all forms: a row is a list of named cells. Rows, Hours and Names are its users, one for each
// kind of answer. The columns of an answer depend on the question alone, so that CSV can begin before the first row.
// Beside an hour or a day stands its time as text (RFC 3339, UTC).
//
// Invariants:
//
//   - A table that breaks off has no closing bracket in JSON. In the other forms only the connection shows it.
//   - Memory does not depend on the number of rows. CSV has a buffer of 4 KiB, whose rest Close writes.
//   - Sums over 2^63-1 are shown as 2^63-1, and Saturated reports that there was one.
//
// A Table belongs to one goroutine.
package format
