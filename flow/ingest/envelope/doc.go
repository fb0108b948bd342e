// Package envelope answers one question: which body of records is in the envelope of a delivery service, and which ID
// has the delivery? The package parses and decides nothing.
//
//	firehose    Amazon Data Firehose: {"requestId","timestamp","records":[{"data"}]}. data is base64 of text or gzip, and
//	            the text is lines, objects {"message":"<line>"}, or messages of CloudWatch Logs
//	cloudwatch  a subscription of CloudWatch Logs: {"messageType":"DATA_MESSAGE","logEvents":[{"id","message"}]}, as gzip
//	            or plain, one or more behind each other. A CONTROL_MESSAGE has no records. An event that comes twice in a
//	            delivery counts once
//	pubsub      a push of Google Cloud Pub/Sub: {"message":{"data","messageId"},"subscription"}. data is base64
//
// A body in none of the allowed envelopes is itself the body of records.
//
// Invariants: the content is a pure function of the delivery. It has at most the allowed number of bytes, whatever its
// compression (P16). A part that cannot be decoded is counted as malformed and does not hide the others.
//
// The package does no I/O, and its functions may be called concurrently.
package envelope
