package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// lostError says that an attempt got no answer, or lost it on the way.
type lostError struct{ err error }

func (e *lostError) Error() string { return e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// errAttemptTimeout is why an attempt is given up that has not begun to answer.
var errAttemptTimeout = errors.New("no answer in time")

// call makes one request with a short answer, in JSON, and decodes it into v. It fails with a *Problem or a *lostError: an answer
// that is cut short is lost like one that never came.
func (c *Client) call(ctx context.Context, method, address string, body io.Reader, header http.Header, v any) (http.Header, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.AttemptTimeout, errAttemptTimeout)
	defer cancel()
	resp, err := c.roundTrip(ctx, method, address, body, header)
	if err != nil {
		return nil, attemptError(ctx, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		return nil, attemptError(ctx, &lostError{fmt.Errorf("read answer: %w", err)})
	}
	return resp.Header, nil
}

// open makes a GET with a long answer. AttemptTimeout runs until it begins; after that ctx alone bounds it. The caller closes its
// body.
func (c *Client) open(ctx context.Context, address string) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(c.cfg.AttemptTimeout, func() { cancel(errAttemptTimeout) })
	resp, err := c.roundTrip(ctx, http.MethodGet, address, nil, nil)
	timer.Stop()
	if err != nil {
		err = attemptError(ctx, err)
		cancel(nil)
		return nil, err
	}
	resp.Body = &cancelingBody{resp.Body, cancel}
	return resp, nil
}

// attemptError says "no answer in time" where the error says that the context ended for it.
func attemptError(ctx context.Context, err error) error {
	if context.Cause(ctx) == errAttemptTimeout {
		return &lostError{errAttemptTimeout}
	}
	return err
}

func (c *Client) roundTrip(ctx context.Context, method, address string, body io.Reader, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := c.cfg.HTTP.Do(req)
	if err != nil {
		if in := (*url.Error)(nil); errors.As(err, &in) {
			err = in.Err // the target is named by the caller, without its user
		}
		return nil, &lostError{err}
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		defer resp.Body.Close()
		return nil, readProblem(resp)
	}
	return resp, nil
}

// cancelingBody ends the context of its request when it is closed.
type cancelingBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (b *cancelingBody) Close() error {
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}
