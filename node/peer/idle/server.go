package idle

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	signEvery = time.Second // interval of the signs of life of a server at work
	writeStep = 64 << 10    // bytes of an answer with one write deadline

	// A body that is slower than leastRate, in bytes a second, is given up after slowFor.
	leastRate = 16 << 10
	slowFor   = 10 * time.Second
)

// AnswerWriter writes the answer to a call. Before its first byte it sends the caller an interim response (102) each
// second, as a sign of life. Afterwards each write of writeStep bytes has a deadline.
type AnswerWriter struct {
	http.ResponseWriter
	conn    *http.ResponseController
	limit   time.Duration // of a write
	stalled func()
	until   time.Time // write deadline

	mu    sync.Mutex
	begun bool
	timer *time.Timer
}

// NewAnswerWriter returns the writer of an answer. limit is the time for a write; stalled runs if a write exceeds it.
func NewAnswerWriter(w http.ResponseWriter, limit time.Duration, stalled func()) *AnswerWriter {
	a := &AnswerWriter{ResponseWriter: w, conn: http.NewResponseController(w), limit: limit, stalled: stalled}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.timer = time.AfterFunc(signEvery, a.sendSign)
	return a
}

func (a *AnswerWriter) sendSign() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.begun {
		return
	}
	_ = a.conn.SetWriteDeadline(time.Now().Add(Timeout))
	a.ResponseWriter.WriteHeader(http.StatusProcessing)
	a.timer.Reset(signEvery)
}

// Begin ends the signs of life, and leaves the connection to the handler.
func (a *AnswerWriter) Begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.begun {
		return
	}
	a.begun = true
	a.timer.Stop()
	// For an answer without a body too, because the deadline of the last call on the connection is still set.
	a.extendDeadline()
}

// extendDeadline gives the next write the whole limit, and up to half more, because each move of a deadline costs time.
func (a *AnswerWriter) extendDeadline() {
	if now := time.Now(); a.until.Sub(now) < a.limit {
		a.until = now.Add(a.limit + a.limit/2)
		_ = a.conn.SetWriteDeadline(a.until) // fails in tests without a connection
	}
}

// Unwrap is for http.ResponseController.
func (a *AnswerWriter) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Header implements http.ResponseWriter.
func (a *AnswerWriter) Header() http.Header {
	a.Begin()
	return a.ResponseWriter.Header()
}

// WriteHeader implements http.ResponseWriter.
func (a *AnswerWriter) WriteHeader(status int) {
	a.Begin()
	a.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (a *AnswerWriter) Write(p []byte) (n int, err error) {
	a.Begin()
	for n < len(p) {
		a.extendDeadline()
		k, err := a.ResponseWriter.Write(p[n:min(len(p), n+writeStep)])
		if n += k; err != nil {
			a.countStall(err)
			return n, err
		}
	}
	return n, nil
}

func (a *AnswerWriter) countStall(err error) {
	if IsTimeout(err) {
		a.stalled()
	}
}

// RequestBody returns the body of a request at its server. Each Read has a deadline, and so has the whole body by its
// size; stalled runs if a Read exceeds one.
func (a *AnswerWriter) RequestBody(body io.ReadCloser) io.ReadCloser {
	return &callBody{ReadCloser: body, conn: a.conn, stalled: a.stalled, begun: time.Now()}
}

type callBody struct {
	io.ReadCloser
	conn    *http.ResponseController
	stalled func()
	begun   time.Time
	bytes   int64
}

// Read implements io.Reader. It removes the deadline at the end of the body, because net/http continues to read in
// order to notice the end of the connection. A deadline that has passed stays: otherwise net/http would wait for the
// rest of the body.
func (b *callBody) Read(p []byte) (int, error) {
	until := time.Now().Add(Timeout)
	if late := b.begun.Add(slowFor + time.Duration(b.bytes)*time.Second/leastRate); late.Before(until) {
		until = late
	}
	_ = b.conn.SetReadDeadline(until)
	n, err := b.ReadCloser.Read(p)
	b.bytes += int64(n)
	switch {
	case err == io.EOF:
		_ = b.conn.SetReadDeadline(time.Time{})
	case err != nil && IsTimeout(err):
		b.stalled()
	}
	return n, err
}

// IsTimeout reports whether err is a timeout.
func IsTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
