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

// PostOptions change how a Post is made.
type PostOptions struct {
	Key    string      // Idempotency-Key; default: a random one
	Header http.Header // more headers, such as Content-Encoding for a body that is compressed
}

// Receipt is the acknowledgement of a Post.
type Receipt struct {
	router.Accepted
	Key      string // the Idempotency-Key that was sent
	Replayed bool   // an earlier request with the key had stored it, perhaps an attempt of this very call
	Attempts int    // requests made
}

// UnknownError says that it is not known whether a Post was applied.
type UnknownError struct {
	Key      string // Post again with this key and the same body to make it whole
	Attempts int
	Err      error // of the last attempt
}

// Error names the key, for whoever has to send the records again.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("not acknowledged after %d attempts, it may be stored or not; sending it again with the key %s is safe: %v",
		e.Attempts, e.Key, e.Err)
}

// Unwrap returns the error of the last attempt.
func (e *UnknownError) Unwrap() error { return e.Err }

// Post stores the records of body, which is JSON unless a header says that it is CSV. It does not change body and keeps nothing of it.
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
	r.Accepted = router.Accepted{} // an answer that was lost half may have left something
	answer, err := c.call(ctx, http.MethodPost, target+"/flows", bytes.NewReader(body), header, &r.Accepted)
	if err != nil {
		return err
	}
	r.Replayed = answer.Get("Idempotency-Replayed") == "true"
	return nil
}

// outcome tells "not applied" from "unknown". A refusal for good is the former, unless an earlier attempt failed in a way that
// may have stored something.
func outcome(err error, key string, attempts int) error {
	var p *Problem
	if attempts == 0 || attempts == 1 && errors.As(err, &p) && p.Status < 500 {
		return err
	}
	return &UnknownError{Key: key, Attempts: attempts, Err: err}
}
