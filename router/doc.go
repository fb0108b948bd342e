// Package router is the public HTTP API of a node. It turns requests into calls of a Cluster, and the outcomes of these
// calls into answers.
//
//	POST /flows               store records                  post.go, negotiate.go, body.go
//	GET  /flows?hour=H        read an hour                   get.go, stream.go
//	GET  /flows?from=A&...    ask about many hours           queries.go
//	GET  /flows/stream        watch a query                  queries.go
//	GET  /hours, /names       totals of hours, names         queries.go
//	GET  /members             the cluster as this node sees  members.go
//	GET  /healthz, /livez     the process answers            health.go
//	GET  /readyz              the node may be sent requests  health.go
//	GET  /metrics             for Prometheus                 metrics.go, observe.go
//	GET  /problems/{name}     the meaning of a problem       problem.go
//	GET  /                    this list, with examples       index.go
//
// All paths: metrics and the ID of a request in observe.go, query parameters in parameters.go and package parameter,
// browsers in guarded.go, HTTP/2 in http2.go.
// Package admission admits POSTs, package coding compresses and decompresses, and package contract has the table of
// refusals. Of questions about many hours, package ask reads the parameters, packages rows and format write the
// answers, and package watch sends them again while they change.
//
// Invariants:
//
//   - A 200 to a POST is written after Cluster.Post has returned nil, and at no other place (P1). If no answer can be
//     given, because the client went away or the stream broke, the connection is aborted: net/http would send 200 for a
//     handler without an answer.
//   - Every refusal is an RFC 9457 problem. Its status, type and title come from the table of refusals. A 4xx is
//     decided before anything is stored (P3).
//   - A GET is never silently short (P5): each 200 has Flowring-Complete. A truncated answer has no closing bracket,
//     and no end of its compression.
//   - Reads leave room for writes (P12): Config.MaxLong limits the long answers, and CPUSlots limit the CPU for them.
//   - Work in progress has limits (P12, P16). A POST is admitted before its body is read. The bytes of bodies count
//     against Config.MaxBuffered. At most Config.MaxDecoding bodies are decoded at once. A request beyond a limit is
//     refused with 503 and a random Retry-After.
//
// The handler is safe for concurrent use. No goroutine outlives its request. Its only state is metrics,
// the admission controller, and pools of buffers, decoders and encoders. It sets the deadlines for the body and for the
// answer. The http.Server, in package node, limits headers and connections.
package router
