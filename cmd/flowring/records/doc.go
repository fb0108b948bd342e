// Package records reads records for the client commands.
//
// Reader reads the input of `flowring post`: a JSON array of records, one JSON record after the other (NDJSON), or CSV
// with a header row, plain or compressed by gzip or zstd. The first bytes tell the form. It cuts the input into
// requests of a bounded number of records and about MaxBody bytes, and keeps at most one request in memory. Every
// record keeps the line of the input on which it begins, for errors. JSON records are handed on byte for byte, because
// a node judges them in the same words for every client; CSV rows are decoded by the decoder of the nodes. A record
// with larger sums than a node accepts becomes several records.
//
// Each reads the answer to a GET, which is a JSON array of flows, flow by flow.
//
// A Reader is for one goroutine and starts none.
package records
