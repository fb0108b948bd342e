// Package stream carries many calls at once on one connection between two nodes: bytes in, bytes out. It knows
// nothing of flows and stores. Package peer defines the calls, their bodies and their errors.
//
// A stream begins as an HTTP/1.1 request with the header Upgrade: flowring-stream/2, and the answer 101. From then on
// the connection carries frames; frame.go draws them. Answers arrive in any order.
//
// Client keeps at most two streams to each address: one for calls up to 64 KiB, and one for larger calls, because
// small calls must not wait behind large ones. It dials a stream for the first call, and closes it after a minute
// without calls. The next call after a failure dials a new stream. A call continues at the server after its caller
// has cancelled it.
//
// Server runs each call in a goroutine of its own, within the limit of the call's kind. At a shutdown it sends a
// farewell on every stream, refuses later calls, and finishes the calls under way. The clients then close the
// streams.
//
// Three limits of time end a stream, with every call on it:
//
//   - A frame makes no progress for 30 s.
//   - The peer takes no byte for 2 s (small calls) or 30 s (large calls and answers).
//   - Nothing arrives during the whole time of a call. After a long silence TCP resends late, and a new connection
//     works sooner.
//
// A call whose error has an UnsentError in its chain had no effect. Any other failed call has an unknown outcome.
//
// Client and Server are safe for concurrent use. The caller of a call writes its frame itself if no write is in
// progress, together with the frames of other callers (outbox.go). Another goroutine writes the frame of a call of
// Begin. Close and Shutdown wait for every goroutine of the package.
package stream
