// Package ask asks a cluster questions and prints the answers: how do the flags of a command become a query, and how
// does its answer become a table, JSON, NDJSON or CSV?
//
//	Question  the flags of a query, and the parameters that they stand for
//	Printer   asks a query page by page, and prints the rows
//	Hour      prints the flows of one hour as a whole (GET /flows?hour=H)
//	Names     proposes names from the running cluster, for the completion of a shell
//
// The node checks the parameters, so that a command and a URL accept the same: this package knows their names alone. A
// flag that is not given is no parameter.
//
// JSON, NDJSON and CSV are the bytes of the node. Pages of one command are one array, or one table with one header. A
// note on stderr says that an answer may be incomplete (P5), that there are more rows, or that a sum is too large to be
// shown. An answer that breaks off is an error, also after a part has been printed.
//
// While an answer is read for over a second, a terminal shows the progress on stderr.
//
// A Printer belongs to one goroutine.
package ask
