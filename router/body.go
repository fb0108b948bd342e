package router

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"

	"flowring/internal/contract"
	"flowring/router/admission"
	"flowring/router/coding"
)

// receive reads the body of r in the form in which it is sent.
func (rt *router) receive(r *http.Request, ticket *admission.Ticket) ([]byte, error) {
	if err := ticket.Reserve(admission.MinCharge); err != nil {
		return nil, err
	}
	buf, err := rt.buffers.take(r.ContentLength, ticket)
	if err != nil {
		return nil, err
	}
	body, err := coding.ReadAll(r.Body, buf, rt.MaxBody, "the body", ticket)
	return body, receiveError(err)
}

// receiveError turns an error of reading a body into a refusal. refuse recognises the loss of the client, by the
// context of its request.
func receiveError(err error) error {
	if err == nil {
		return nil
	}
	switch _, _, refused := contract.RefusalOf(err); {
	case refused:
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return contract.SlowBody
	}
	return contract.Body.Errorf("the body is not sent as HTTP requires: %w", err)
}

// maxDiscarded limits the bytes read by discard, as a multiple of Config.MaxBody.
const maxDiscarded = 3

// discard sends the answer and then reads and drops the rest of the body of r, until the deadline of the body. Some
// clients write the whole body before they read. They then find the answer, and not a broken connection. A client with
// Expect waits for the answer before it sends the body, so discard does nothing for it. With HTTP/2 a client reads while
// it writes, and the end of the answer ends the body. Some clients, such as Go's, stop to send a body once they see a 4xx
// and wait for the end of the answer: discard would wait for them until the deadline.
func (rt *router) discard(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor >= 2 || r.ContentLength == 0 || r.Header.Get("Expect") != "" || http.NewResponseController(w).Flush() != nil {
		return
	}
	n, _ := io.CopyN(io.Discard, r.Body, maxDiscarded*rt.MaxBody) // fails at the end of the body, or at its deadline
	rt.metrics.discarded.Add(float64(n))
}

// buffers is a pool of buffers for bodies. Without it the runtime would clear and collect memory for each POST.
type buffers struct{ pool sync.Pool } // of *[]byte

const (
	minBuffer = 4 << 10 // bytes of the smallest buffer
	maxBuffer = 1 << 20 // bytes of the largest buffer in the pool
)

// take returns an empty buffer for a body of size bytes (-1: unknown). The ticket was charged for MinCharge; take
// charges it for a larger buffer.
func (b *buffers) take(size int64, ticket *admission.Ticket) ([]byte, error) {
	if kept, ok := b.pool.Get().(*[]byte); ok && int64(cap(*kept)) >= min(size+1, admission.MinCharge) {
		return *kept, ticket.Reserve(max(0, int64(cap(*kept))-admission.MinCharge))
	}
	return make([]byte, 0, min(max(size+1, minBuffer), admission.MinCharge)), nil
}

// give returns a buffer to the pool. The caller must not use it any more.
func (b *buffers) give(buf []byte) {
	if cap(buf) >= minBuffer && cap(buf) <= maxBuffer {
		buf = buf[:0]
		b.pool.Put(&buf)
	}
}
