package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"
)

// lostError is the failure of an attempt without an answer, or with a truncated one.
type lostError struct{ err error }

func (e *lostError) Error() string { return e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// errAttemptTimeout ends an attempt whose answer has not begun in time.
var errAttemptTimeout = errors.New("no answer in time")

// call makes one request with a short answer in JSON, and decodes the answer into v. It fails with a *Problem or a
// *lostError: a truncated answer is as lost as a missing one.
func (c *Client) call(
	ctx context.Context, method, address string, body io.Reader, header http.Header, v any,
) (http.Header, error) {
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

// open makes a GET with a long answer. AttemptTimeout runs until the answer begins; then ctx is the only limit. The
// caller closes the body.
func (c *Client) open(ctx context.Context, address string, header http.Header) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(c.cfg.AttemptTimeout, func() { cancel(errAttemptTimeout) })
	resp, err := c.roundTrip(ctx, http.MethodGet, address, nil, header)
	timer.Stop()
	if err != nil {
		err = attemptError(ctx, err)
		cancel(nil)
		return nil, err
	}
	resp.Body = &cancelingBody{resp.Body, cancel}
	return resp, nil
}

// attemptError replaces an error of the ended context by "no answer in time".
func attemptError(ctx context.Context, err error) error {
	if context.Cause(ctx) == errAttemptTimeout {
		return &lostError{errAttemptTimeout}
	}
	return err
}

func (c *Client) roundTrip(
	ctx context.Context, method, address string, body io.Reader, header http.Header,
) (*http.Response, error) {
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
			err = in.Err // the caller names the target, without its user
		}
		return nil, &lostError{err}
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		defer resp.Body.Close()
		return nil, readProblem(resp)
	}
	return resp, nil
}

// cancelingBody cancels the context of its request on Close.
type cancelingBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (b *cancelingBody) Close() error {
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}
