// Package contract is the common vocabulary of the HTTP API, the protocol between nodes and the stores: the words for
// reads and for refusals.
//
// A read has an Ask with a Need. Its Answer has a Completeness and a Tag:
//
//	Ask{Need, Known} --> Answer{Completeness, Tag, flows}
//
// A Refusal is a row of the one table of refusals (table.go). The row has the problem type and the title of the HTTP
// API, the code of the protocol between nodes, and one status for both. Errors carry their refusal:
//
//	Refusal           the bare row, with the row's own text
//	Refusal.Errorf    a row with a detail
//	*HourError        a row, and the refused hour
//	*UnavailableError the row Unavailable, and the silent stores
//
// RefusalOf finds the refusal of an error. To add a refusal, add a row to the table and return it where the program
// decides it. docs/api.md lists each problem type; a test in internal/layout compares them.
//
// Invariants:
//
//   - Each type has one text form. The same text is used in headers, query parameters and frames.
//   - The zero Completeness and the zero Need are the safe ones: Partial and NeedUnproven.
//
// The package has no state, no I/O and no clock. All of its values are immutable once returned; the maker of an
// *UnavailableError may add stores before it returns the error.
package contract
