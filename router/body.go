package router

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"

	"flowring/internal/contract"
	"flowring/router/admission"
)

const (
	minBuffer = 4 << 10 // bytes of a body's first buffer
)

// tooLarge refuses a body that, as received or as decompressed, is larger than limit bytes.
func tooLarge(what string, limit int64) error {
	return contract.TooLarge.Errorf("%s is larger than %d bytes", what, limit)
}

// receive reads the body of r as it comes over the wire.
func (rt *router) receive(r *http.Request, ticket *admission.Ticket) ([]byte, error) {
	if err := ticket.Reserve(admission.MinCharge); err != nil {
		return nil, err
	}
	buf, err := rt.buffers.take(r.ContentLength, ticket)
	if err != nil {
		return nil, err
	}
	body, err := readAll(r.Body, buf, rt.MaxBody, "the body", ticket)
	return body, receiveError(err)
}

// receiveError turns an error of reading a body into a refusal. A client that went away is recognised later, by the context
// of its request.
func receiveError(err error) error {
	switch _, _, refused := contract.RefusalOf(err); {
	case err == nil || refused:
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return contract.SlowBody
	}
	return contract.Body.Errorf("the body is not sent as HTTP requires: %w", err)
}

// maxDiscarded is how many times Config.MaxBody is read of a body that is refused before its end.
const maxDiscarded = 3

// discard sends the answer and then reads the rest of the body of r, within the time for it, so that a client that writes its whole body
// before it reads finds the answer and not a cut connection. It keeps nothing. A client that asks before it sends, with Expect, has its
// answer without a body.
func (rt *router) discard(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 || r.Header.Get("Expect") != "" || http.NewResponseController(w).Flush() != nil {
		return
	}
	n, _ := io.CopyN(io.Discard, r.Body, maxDiscarded*rt.MaxBody) // fails at the end of the body or of its time
	rt.metrics.discarded.Add(float64(n))
}

// buffers are used again for bodies, up to a size: the memory of a new one is cleared, and collected, for each post.
type buffers struct{ pool sync.Pool } // of *[]byte

// maxBuffer is the capacity of the largest buffer that is kept.
const maxBuffer = 1 << 20

// take returns an empty buffer; the ticket is charged for what is larger than it was charged for already.
func (b *buffers) take(size int64, ticket *admission.Ticket) ([]byte, error) {
	if kept, ok := b.pool.Get().(*[]byte); ok && int64(cap(*kept)) >= min(size+1, admission.MinCharge) {
		return *kept, ticket.Reserve(max(0, int64(cap(*kept))-admission.MinCharge))
	}
	return make([]byte, 0, min(max(size+1, minBuffer), admission.MinCharge)), nil
}

// give takes a buffer back that nobody uses any more.
func (b *buffers) give(buf []byte) {
	if cap(buf) >= minBuffer && cap(buf) <= maxBuffer {
		buf = buf[:0]
		b.pool.Put(&buf)
	}
}

// readAll reads src to its end into a buffer that grows with what has arrived, never with what was announced. It stops at the
// limit: of a bomb, one byte more than the limit is decompressed.
func readAll(src io.Reader, buf []byte, limit int64, what string, ticket *admission.Ticket) ([]byte, error) {
	for {
		n, err := src.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit:
			return nil, tooLarge(what, limit)
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return nil, err
		}
		if len(buf) == cap(buf) {
			if buf, err = enlarge(buf, limit, ticket); err != nil {
				return nil, err
			}
		}
	}
}

// enlarge doubles the buffer, at most to what shows that the limit is passed, and charges for it.
func enlarge(buf []byte, limit int64, ticket *admission.Ticket) ([]byte, error) {
	size := min(2*int64(cap(buf)), limit+1)
	if err := ticket.Reserve(size - int64(cap(buf))); err != nil {
		return nil, err
	}
	return append(make([]byte, 0, size), buf...), nil
}
