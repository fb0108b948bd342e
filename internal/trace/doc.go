// Package trace answers one question: for which request does a node work? Each request has an ID, which every log line
// about the request carries, at the node asked and at the nodes that work for it.
//
//	client ---- traceparent: 00-ID-... (or none) ---> node asked ---- Flowring-Request-Id: ID ----> other nodes
//	client <--- Flowring-Request-Id: ID -------------     |                                              |
//	                                                 request=ID in the log                      request=ID in the log
//
// The ID of a request with the header traceparent of W3C Trace Context is the trace ID of this header. Any other
// request gets a random ID.
//
// A write goes on streams without headers, so the bodies of these calls carry the ID (node/peer/wire). A call that
// gathers the writes of several requests carries the IDs of all of them, at most MaxIDs.
//
// The ID travels in the context of the work. A log with the handler of Handler adds it to each line that is logged with
// this context. Work for several readers of one hour carries the ID of the reader who started it.
//
// The package has no state. An ID is a value.
package trace
