// Package stream carries many calls at once on one connection between two nodes: bytes in, bytes out. The package knows nothing of
// flows and stores; package peer defines the calls, their bodies and their errors.
//
// A stream begins as an HTTP/1.1 request with the header Upgrade: flowring-stream/2, which the server answers with 101. From then
// on the connection carries frames, which frame.go draws. Answers arrive in any order.
//
// Client keeps at most two streams to each address: one for calls up to 64 KiB, and one for larger calls, so that small calls do
// not wait behind large ones. It dials a stream when a call needs one. It closes a stream that carried no call for one minute.
// A call that its caller cancels continues at the server. The next call after a failure dials a new stream.
//
// Server runs each call in a goroutine of its own, within the limit of the call's kind. A server that stops sends a farewell on
// every stream, refuses later calls, finishes the calls that run, and expects the client to close the stream.
//
// Limits of time, all in internal/memnet tests: a frame that makes no progress for 30 s ends its stream; a peer that takes no
// byte for 2 s (small calls) or 30 s (large calls, answers) ends its stream; a stream from which nothing arrives during the whole
// time of a call ends, with every call on it, because TCP delivers late after a long silence and a new connection does not.
//
// An error that has an UnsentError in its chain belongs to a call that had no effect. The outcome of any other failed call is unknown.
//
// Concurrency: Client and Server are safe for concurrent use. The caller that adds a frame to an idle outbox writes it, together
// with the frames that other callers add meanwhile (outbox.go). Close and Shutdown wait for every goroutine of the package.
package stream
