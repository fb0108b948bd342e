package idle

import (
	"context"
	"errors"
	"io"
	"net/http/httptrace"
	"net/textproto"
	"sync"
	"time"
)

const (
	// Timeout is the longest time without a byte, in either direction.
	Timeout = 4 * time.Second
	// ReaderTimeout replaces Timeout for answers with flows, because the client behind the caller may be slow.
	ReaderTimeout = 5 * time.Minute
)

// ErrTimeout ends a call whose peer has sent and taken no byte for Timeout.
var ErrTimeout = errors.New("the peer sent and took no byte for 4 s")

// Limit is the limit of one call on time without a byte. Its timer runs while the call waits for the peer.
type Limit struct {
	end     context.CancelCauseFunc
	timeout time.Duration
	timer   *time.Timer

	mu       sync.Mutex
	answered bool // the headers of the answer have arrived: progress of the request no longer counts
}

// Start returns a context for a call, and its limit. The context ends with ErrTimeout after a timeout without
// progress; stalled runs just before. The caller calls Close at the end of the call.
func Start(ctx context.Context, timeout time.Duration, stalled func()) (context.Context, *Limit) {
	ctx, end := context.WithCancelCause(ctx)
	i := &Limit{end: end, timeout: timeout}
	i.timer = time.AfterFunc(timeout, func() {
		stalled()
		end(ErrTimeout)
	})
	trace := &httptrace.ClientTrace{Got1xxResponse: func(int, textproto.MIMEHeader) error { i.progress(); return nil }}
	return httptrace.WithClientTrace(ctx, trace), i
}

// progress restarts the timer, after a byte before the answer.
func (i *Limit) progress() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.answered {
		i.timer.Reset(i.timeout)
	}
}

// Answered stops the timer at the beginning of the answer.
func (i *Limit) Answered() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answered = true
	i.timer.Stop()
}

// Close ends the call.
func (i *Limit) Close() {
	i.Answered()
	i.end(context.Canceled)
}

// RequestBody returns the body of a request, which the caller makes during the call. Each Read is progress.
func (i *Limit) RequestBody(body *io.PipeReader) io.ReadCloser { return requestBody{body, i} }

type requestBody struct {
	*io.PipeReader
	limit *Limit
}

// Read implements io.Reader.
func (s requestBody) Read(p []byte) (int, error) {
	n, err := s.PipeReader.Read(p)
	s.limit.progress()
	return n, err
}

// AnswerBody returns the body of an answer, whose Close ends the call. ctx is the context of Start.
func (i *Limit) AnswerBody(ctx context.Context, body io.ReadCloser) io.ReadCloser {
	return answerBody{body, ctx, i}
}

type answerBody struct {
	io.ReadCloser
	ctx   context.Context
	limit *Limit
}

// Read implements io.Reader. The timer runs only while the reader waits.
func (r answerBody) Read(p []byte) (int, error) {
	r.limit.timer.Reset(r.limit.timeout)
	n, err := r.ReadCloser.Read(p)
	r.limit.timer.Stop()
	if err != nil && err != io.EOF {
		err = Cause(r.ctx, err)
	}
	return n, err
}

// Close implements io.Closer.
func (r answerBody) Close() error {
	r.limit.Close()
	return r.ReadCloser.Close()
}

// Cause returns ErrTimeout if it has ended the context, and err otherwise.
func Cause(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), ErrTimeout) {
		return ErrTimeout
	}
	return err
}
