package reception

import (
	"errors"
	"net/http"
	"os"
	"sync"

	"flowring/internal/contract"
	"flowring/router/admission"
	"flowring/router/coding"
)

// read reads the body of r in the form in which it is sent.
func (rc *Reception) read(r *http.Request, ticket *admission.Ticket) ([]byte, error) {
	if err := ticket.Reserve(admission.MinCharge); err != nil {
		return nil, err
	}
	buf, err := rc.buffers.take(r.ContentLength, ticket)
	if err != nil {
		return nil, err
	}
	body, err := coding.ReadAll(r.Body, buf, rc.MaxBody, "the body", ticket)
	return body, ReadError(err)
}

// ReadError turns an error of reading a body into a refusal. The router recognises the loss of the client, by
// the context of its request.
func ReadError(err error) error {
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
