// Package rows turns the answers of the cluster to a question into answers for a client: in which form, and under which
// tag?
//
//	contract.Rows  --> Query --+
//	contract.Hours --> Hours --+--> contract.Answer, for package router
//	contract.Names --> Names --+
//
// The tag of an answer for a client is the tag of the cluster and the form, because the forms of one content have
// different bytes:
//
//	q6K1PpLVXTnRy8z0Yu5kHA.csv    q6K1PpLVXTnRy8z0Yu5kHA.json.string
//
// Some headers are known only once the last row is written: whether a sum was too large (Flowring-Saturated), and where
// the next page begins (Link). SetEnd sets them. They are headers of an answer that is held until its end, and trailers
// of a longer one.
//
// Invariants:
//
//   - WriteTo writes one row at a time, so memory does not depend on the number of rows.
//   - An error of the cluster ends WriteTo before the end of the table (P5).
//
// An answer belongs to one request. The package has no state.
package rows
