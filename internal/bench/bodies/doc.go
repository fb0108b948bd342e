// Package bodies measures the CPU time of a node for the same records in different forms of a body: JSON, JSON with
// gzip, the compact message of protobuf, and OTLP metrics.
//
// The bodies are encoded before the measurement, so that their encoding does not take the time of the node. Each
// request has a key of its own. A data point of OTLP has the bytes of one direction alone, as an agent sends it.
//
// The values are immutable. Post starts one goroutine for each connection and waits for all of them.
package bodies
