package router

import (
	"io"
	"net/http"
)

// maxDiscarded limits the bytes read by discard, as a multiple of Config.MaxBody.
const maxDiscarded = 3

// discard sends the answer and then reads and drops the rest of the body of r, until the deadline of the body. Some
// clients write the whole body before they read. They then find the answer, and not a broken connection. A client with
// Expect waits for the answer before it sends the body, so discard does nothing for it. With HTTP/2 a client reads
// while it writes, and the end of the answer ends the body. Some clients, such as Go's, stop to send a body once they
// see a 4xx and wait for the end of the answer: discard would wait for them until the deadline.
func (rt *router) discard(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor >= 2 || r.ContentLength == 0 || r.Header.Get("Expect") != "" ||
		http.NewResponseController(w).Flush() != nil {
		return
	}
	n, _ := io.CopyN(io.Discard, r.Body, maxDiscarded*rt.MaxBody) // fails at the end of the body, or at its deadline
	rt.metrics.discarded.Add(float64(n))
}
