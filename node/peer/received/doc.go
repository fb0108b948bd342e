// Package received is the flows of a slice that another store sends: as bytes to pass on to a client, or in parts to
// merge.
//
// An answer has no flows if its reader knows its tag. The completeness and the tag come with the headers, before the
// first byte of the flows.
//
// Invariant: flows that break off end with an error, so that they never look whole.
//
// An Answer belongs to one goroutine, which closes it.
package received
