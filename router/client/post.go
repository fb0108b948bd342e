package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"

	"flowring/router"
)

// PostOptions are the options of a Post.
type PostOptions struct {
	Key    string      // Idempotency-Key; default: a random one
	Header http.Header // additional headers, such as Content-Encoding for a compressed body
}

// Receipt is the acknowledgement of a Post.
type Receipt struct {
	router.Accepted
	Key      string // the Idempotency-Key of the request
	Replayed bool   // an earlier request with the key had stored it, perhaps an earlier attempt of this Post
	Attempts int    // number of requests
}

// UnknownError is the failure of a Post with an unknown outcome: it may be applied or not.
type UnknownError struct {
	Key      string // another Post with this key and the same body completes it
	Attempts int
	Err      error // of the last attempt
}

// Error names the key, which a repetition needs.
func (e *UnknownError) Error() string {
	return fmt.Sprintf(
		"not acknowledged after %d attempts; the records may be stored or not, and a repetition with the key %s is safe: %v",
		e.Attempts, e.Key, e.Err)
}

// Unwrap returns the error of the last attempt.
func (e *UnknownError) Unwrap() error { return e.Err }

// Post stores the records of body, which is JSON unless a header declares CSV. It neither changes nor retains body.
func (c *Client) Post(ctx context.Context, body []byte, o PostOptions) (Receipt, error) {
	r := Receipt{Key: o.Key}
	if r.Key == "" {
		r.Key = rand.Text()
	}
	header := http.Header{"Content-Type": {"application/json"}}
	for name, values := range o.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	header.Set("Idempotency-Key", r.Key)
	attempts, err := c.retry(ctx, func(ctx context.Context, target string) error {
		return c.postOnce(ctx, target, body, header, &r)
	})
	r.Attempts = attempts
	if err != nil {
		return Receipt{}, fmt.Errorf("post flows: %w", outcome(err, r.Key, attempts))
	}
	return r, nil
}

func (c *Client) postOnce(ctx context.Context, target string, body []byte, header http.Header, r *Receipt) error {
	r.Accepted = router.Accepted{} // because a truncated answer may have set a part of it
	answer, err := c.call(ctx, http.MethodPost, target+"/flows", bytes.NewReader(body), header, &r.Accepted)
	if err != nil {
		return err
	}
	r.Replayed = answer.Get("Idempotency-Replayed") == "true"
	return nil
}

// outcome distinguishes "not applied" from "unknown". A permanent refusal means "not applied", unless an earlier
// attempt may have stored something.
func outcome(err error, key string, attempts int) error {
	var p *Problem
	if attempts == 0 || attempts == 1 && errors.As(err, &p) && p.Status < 500 {
		return err
	}
	return &UnknownError{Key: key, Attempts: attempts, Err: err}
}
