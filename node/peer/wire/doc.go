// Package wire encodes and decodes the calls between nodes: values in, bytes out. It has no connections; packages
// stream and net/http carry the bytes.
//
//   - calls.go: the bodies of calls by streams, and of their answers
//   - frames.go: the frames of batches in the bodies of HTTP calls
//   - text.go: slices, stores, summaries and tags in headers, queries and bodies
//
// Every decoder refuses malformed bytes, and allocates in proportion to the bytes received (P16). The formats are
// versioned by the path /peer/v1/ and by the protocol of package stream. Nodes of two versions share a cluster during
// an upgrade: a change of a format needs a new version of them.
//
// Functions and values are safe for concurrent use, except Ask and Reply, which belong to one call.
package wire
