// Package output prints the answers of the client commands: flows as JSON, NDJSON, CSV or a table, tables in general,
// numbers and lines of progress.
//
// Names come from the network. On a terminal no name may steer the terminal, so every character that is not printable
// is escaped there; files get the names unchanged.
//
// Lines is safe for concurrent use; the other types are for one goroutine.
package output
