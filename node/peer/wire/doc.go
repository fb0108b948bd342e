// Package wire encodes and decodes the calls between nodes: values in, bytes out. It has no connections; packages
// stream and net/http carry the bytes.
//
//   - calls.go: the bodies of calls by streams, and of their answers
//   - frames.go: the frames of batches in the bodies of HTTP calls
//   - parts.go: the flows of a slice in parts, sorted by key, as batches or as columns
//   - columns.go: the frames of columns. The names come in a frame of their own, mostly once for a slice, and each
//     field of the flows is a column of numbers of one width. They cost a third of the time of batches to write and to
//     read
//   - queries.go: the calls of queries
//   - text.go: slices, stores, summaries and tags in headers, queries and bodies
//
// Every decoder refuses malformed bytes, and allocates in proportion to the bytes received (P16). The formats are
// versioned by the path /peer/v1/ and by the protocol of package stream. Nodes of two versions share a cluster during
// an upgrade: a change of a format needs a new version of them.
//
// Functions and values are safe for concurrent use, except Ask and Reply, which belong to one call.
package wire
