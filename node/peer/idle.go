package peer

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"
	"time"
)

const (
	idleTimeout   = 4 * time.Second // longest time without a byte, in either direction
	signEvery     = time.Second     // pause between two signs of life of a server at work
	readerTimeout = 5 * time.Minute // the same as idleTimeout for flows: the reader behind the caller may be slow
	writeStep     = 64 << 10        // bytes of an answer that share one write deadline
)

// errIdle ends a call whose peer has sent no byte, and taken none, for idleTimeout. A host that vanishes sends no reset, so that
// only the missing bytes tell.
var errIdle = errors.New("the peer sent and took no byte for 4 s")

// idle is the limit of one call on time without a byte. The clock runs while the call waits for its peer.
type idle struct {
	end   context.CancelCauseFunc
	limit time.Duration
	timer *time.Timer

	mu       sync.Mutex
	answered bool // the headers of the answer are here: what is still sent of the call does not count
}

// limitIdle returns a context that ends when no progress is noted for the limit. The peer counts as not heard then.
func (c *Client) limitIdle(ctx context.Context, addr string) (context.Context, *idle) {
	ctx, end := context.WithCancelCause(ctx)
	i := &idle{end: end, limit: c.idle}
	i.timer = time.AfterFunc(i.limit, func() {
		c.stalled.Add(1)
		c.mark(addr, false)
		end(errIdle)
	})
	trace := &httptrace.ClientTrace{Got1xxResponse: func(int, textproto.MIMEHeader) error { i.progress(); return nil }}
	return httptrace.WithClientTrace(ctx, trace), i
}

// progress notes a byte before the answer.
func (i *idle) progress() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.answered {
		i.timer.Reset(i.limit)
	}
}

// answer stops the clock at the beginning of the answer.
func (i *idle) answer() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answered = true
	i.timer.Stop()
}

// close ends what is left of the call.
func (i *idle) close() {
	i.answer()
	i.end(context.Canceled)
}

// sending is the body of a call that is made while it is sent.
type sending struct {
	*io.PipeReader
	idle *idle
}

// Read implements io.Reader.
func (s sending) Read(p []byte) (int, error) {
	n, err := s.PipeReader.Read(p)
	s.idle.progress()
	return n, err
}

// receiving is the body of an answer.
type receiving struct {
	io.ReadCloser
	ctx  context.Context
	idle *idle
}

// Read implements io.Reader. The clock runs only while the reader waits.
func (r receiving) Read(p []byte) (int, error) {
	r.idle.timer.Reset(r.idle.limit)
	n, err := r.ReadCloser.Read(p)
	r.idle.timer.Stop()
	if err != nil && err != io.EOF {
		err = idleCause(r.ctx, err)
	}
	return n, err
}

// Close implements io.Closer.
func (r receiving) Close() error {
	r.idle.close()
	return r.ReadCloser.Close()
}

// idleCause returns errIdle if that is why the context has ended, and err otherwise.
func idleCause(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errIdle) {
		return errIdle
	}
	return err
}

// outgoing is the answer to a call. Until it begins, an interim response (102) tells the caller each second that this node is at
// work. From then on the caller must take bytes: each write of writeStep bytes has a deadline.
type outgoing struct {
	http.ResponseWriter
	conn    *http.ResponseController
	limit   time.Duration // of a write
	stalled func()
	until   time.Time // write deadline

	mu    sync.Mutex
	begun bool
	timer *time.Timer
}

func newOutgoing(w http.ResponseWriter, limit time.Duration, stalled func()) *outgoing {
	a := &outgoing{ResponseWriter: w, conn: http.NewResponseController(w), limit: limit, stalled: stalled}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.timer = time.AfterFunc(signEvery, a.sign)
	return a
}

func (a *outgoing) sign() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.begun {
		return
	}
	_ = a.conn.SetWriteDeadline(time.Now().Add(idleTimeout))
	a.ResponseWriter.WriteHeader(http.StatusProcessing)
	a.timer.Reset(signEvery)
}

// begin ends the signs of life: the headers are the handler's from now on.
func (a *outgoing) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.begun {
		return
	}
	a.begun = true
	a.timer.Stop()
	a.extend() // also for an answer without a body; a deadline of the connection's last call would count otherwise
}

// extend gives the next write the whole limit, and up to half more: deadlines are moved seldom, because each move costs.
func (a *outgoing) extend() {
	if now := time.Now(); a.until.Sub(now) < a.limit {
		a.until = now.Add(a.limit + a.limit/2)
		_ = a.conn.SetWriteDeadline(a.until) // fails where there is no connection, in tests
	}
}

// Unwrap is for http.ResponseController.
func (a *outgoing) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Header implements http.ResponseWriter.
func (a *outgoing) Header() http.Header {
	a.begin()
	return a.ResponseWriter.Header()
}

// WriteHeader implements http.ResponseWriter.
func (a *outgoing) WriteHeader(status int) {
	a.begin()
	a.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (a *outgoing) Write(p []byte) (n int, err error) {
	a.begin()
	for n < len(p) {
		a.extend()
		k, err := a.ResponseWriter.Write(p[n:min(len(p), n+writeStep)])
		if n += k; err != nil {
			a.count(err)
			return n, err
		}
	}
	return n, nil
}

func (a *outgoing) count(err error) {
	if isTimeout(err) {
		a.stalled()
	}
}

// arriving is the body of a call as its server reads it.
type arriving struct {
	io.ReadCloser
	conn    *http.ResponseController
	stalled func()
}

// Read implements io.Reader. After the end net/http goes on reading, to learn when the caller leaves: the deadline must not end that.
func (b *arriving) Read(p []byte) (int, error) {
	_ = b.conn.SetReadDeadline(time.Now().Add(idleTimeout))
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		_ = b.conn.SetReadDeadline(time.Time{})
		if isTimeout(err) {
			b.stalled()
		}
	}
	return n, err
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
