package router

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	minBuffer = 4 << 10  // bytes of a body's first buffer
	minCharge = 64 << 10 // bytes that a body counts for at least: its buffer, and the request around it
)

// Errors of receiving a body.
var (
	errOverloaded = errors.New("this node holds as many requests as it may")
	errSlowBody   = errors.New("the body was not received in time")
)

// tooLargeError says that a body, as received or as decompressed, is larger than Config.MaxBody.
type tooLargeError struct {
	what  string
	limit int64 // bytes
}

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("%s is larger than %d bytes", e.what, e.limit)
}

// bodyError says that the body cannot be received or decompressed as it was declared.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return "the body is " + e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }

// budget bounds the bytes of bodies held at once (P12). A request that does not fit is refused and not queued, for a queue of
// clients that hold half a body each would be what it guards against.
type budget struct {
	limit int64
	used  atomic.Int64
	gauge prometheus.Gauge
}

// take adds n bytes to those held, or fails with errOverloaded.
func (b *budget) take(n int64) error {
	if b.used.Add(n) > b.limit {
		b.used.Add(-n)
		return errOverloaded
	}
	b.gauge.Add(float64(n))
	return nil
}

func (b *budget) give(n int64) {
	b.used.Add(-n)
	b.gauge.Sub(float64(n))
}

// charge is what one request holds of the budget.
type charge struct {
	*budget
	held int64
}

// grow makes the charge n bytes larger.
func (c *charge) grow(n int64) error {
	if err := c.take(n); err != nil {
		return err
	}
	c.held += n
	return nil
}

func (c *charge) release() { c.give(c.held) }

// receive reads the body of r as it comes over the wire.
func (rt *router) receive(w http.ResponseWriter, r *http.Request, c *charge) ([]byte, error) {
	if r.ContentLength > rt.MaxBody {
		return nil, &tooLargeError{"the body", rt.MaxBody} // without reading, and without a 100 Continue
	}
	if err := c.grow(minCharge); err != nil {
		return nil, err
	}
	// net/http lifts the deadline at the end of the body. Setting it fails where there is no connection, in tests.
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(rt.BodyTimeout))
	body, err := readAll(r.Body, r.ContentLength, rt.MaxBody, "the body", c)
	return body, receiveError(err)
}

// receiveError tells apart why the body of a request cannot be read. A client that went away is told apart later, by the
// context of its request.
func receiveError(err error) error {
	switch {
	case err == nil, errors.As(err, new(*tooLargeError)), errors.Is(err, errOverloaded):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errSlowBody
	}
	return &bodyError{fmt.Errorf("not sent as HTTP asks: %w", err)}
}

// readAll reads src to its end into a buffer that grows with what has arrived, never with what was announced. It stops at the
// limit: of a bomb, one byte more than the limit is decompressed. size is a hint, or negative.
func readAll(src io.Reader, size, limit int64, what string, c *charge) ([]byte, error) {
	buf := make([]byte, 0, min(max(size+1, minBuffer), minCharge))
	for {
		n, err := src.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit:
			return nil, &tooLargeError{what, limit}
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return nil, err
		}
		if len(buf) == cap(buf) {
			if buf, err = enlarge(buf, limit, c); err != nil {
				return nil, err
			}
		}
	}
}

// enlarge doubles the buffer, at most to what shows that the limit is passed, and charges for it.
func enlarge(buf []byte, limit int64, c *charge) ([]byte, error) {
	size := min(2*int64(cap(buf)), limit+1)
	if err := c.grow(size - int64(cap(buf))); err != nil {
		return nil, err
	}
	return append(make([]byte, 0, size), buf...), nil
}
