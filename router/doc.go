// Package router is the public HTTP face of a node: it turns requests into calls of a Cluster and their outcomes into answers.
//
//	POST /flows               store records                  post.go, admission, body.go, coding.go, key.go, negotiate.go
//	GET  /flows?hour=H        read an hour                   get.go, query.go, condition.go, accept.go, stream.go, compress.go
//	GET  /members             the cluster as seen here       members.go
//	GET  /healthz, /livez     the process answers            health.go
//	GET  /readyz              the node may be sent requests  health.go
//	GET  /metrics             for Prometheus                 metrics.go, observe.go
//	GET  /problems/{name}     what an error means            answers.go, problem.go
//	GET  /                    this list, with examples       index.go
//
// All of them: parameters of the query in parameters.go, browsers in guarded.go, HTTP/2 in http2.go.
//
// Invariants:
//
//   - A 200 to a POST is written after Cluster.Post has returned nil, and at no other place (P1). Where no answer can be given
//     (the client went away, the stream broke) the connection is aborted, since net/http takes a handler that merely returns
//     for a 200.
//   - Every refusal is an RFC 9457 problem, and its status, type and title come from one table (answers.go). A 4xx is decided
//     before anything was stored (P3).
//   - A GET is never silently short (P5): Flowring-Complete is on every 200, and an answer that breaks off does not end like a
//     whole one, compressed or not.
//   - Reads leave room for writes (P12): what costs memory or CPU for each long answer is bounded by Config.MaxLong and CPUSlots.
//   - What is under way is bounded (P12, P16): POSTs are admitted by package admission; bytes held count against
//     Config.MaxBuffered, decompression and decoding run in Config.MaxDecoding places, and what does not fit is refused with 503
//     and a Retry-After that spreads who was refused.
//
// The handler is safe for concurrent use, starts no goroutine that outlives its request and keeps no state but metrics, the
// admission controller, and pooled decoders and encoders. It sets its own deadlines for the body and the answer; the size of headers, the time for them
// and the number of connections are the http.Server's to limit, in package node.
package router
