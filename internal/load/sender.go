package load

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/router/client"
)

// Access is the way to a cluster.
type Access struct {
	Targets     []string      // base URLs of nodes; posts go to them in turn
	Connections int           // limit of idle connections to each target
	Timeout     time.Duration // for one post with its retries
	BodySize    int           // approximate size of a body in bytes
	Key         string        // prefix of the idempotency keys, unique to the run; empty: no keys and no retries
	Header      http.Header   // additional headers of each request, such as Authorization
	TLS         *tls.Config   // for https targets; nil: the roots of the system
	HTTP1       bool          // no HTTP/2: each post under way has a connection of its own
}

// Sender sends requests to a cluster and counts them in its Traffic.
type Sender struct {
	access  Access
	client  *client.Client
	http    *http.Client
	next    atomic.Uint64 // target of a post without a key
	Traffic *Traffic
}

// NewSender fails when a target is no URL.
func NewSender(a Access) (*Sender, error) {
	traffic := &Traffic{}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, a.Connections
	transport.DisableCompression = true // decompression would cost the reader CPU time
	transport.WriteBufferSize = min(max(a.BodySize+1024, 4<<10), 256<<10)
	transport.TLSClientConfig = a.TLS
	if a.HTTP1 {
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetHTTP1(true)
	}
	h := &http.Client{Transport: client.WithHeader(&counter{next: transport, traffic: traffic}, a.Header),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	c, err := client.New(client.Config{Targets: a.Targets, HTTP: h})
	if err != nil {
		return nil, err
	}
	return &Sender{access: a, client: c, http: h, Traffic: traffic}, nil
}

// Close closes the connections.
func (s *Sender) Close() { s.http.CloseIdleConnections() }

// Post is a SendFunc.
func (s *Sender) Post(ctx context.Context, p Post) Answer {
	ctx, cancel := context.WithTimeout(ctx, s.access.Timeout)
	defer cancel()
	if s.access.Key == "" {
		return s.once(ctx, p.Body)
	}
	receipt, err := s.client.Post(ctx, p.Body, client.PostOptions{Key: s.access.Key + "-" + strconv.FormatInt(p.N, 10)})
	switch {
	case err == nil:
		return Answer{Outcome: Stored, Replayed: receipt.Replayed, Kept: receipt.Attempts > 1}
	case errors.As(err, new(*client.UnknownError)):
		return Answer{Outcome: Unknown, Err: err, Kept: true}
	}
	return Answer{Outcome: Refused, Err: err, Kept: true}
}

// once posts without a key. It never retries, because a retry could count twice.
func (s *Sender) once(ctx context.Context, body []byte) Answer {
	target := s.access.Targets[int(s.next.Add(1)-1)%len(s.access.Targets)]
	fail := func(how Outcome, err error) Answer {
		if in := (*url.Error)(nil); errors.As(err, &in) {
			err = in.Err // the URL in it may hold a user
		}
		return Answer{Outcome: how, Err: fmt.Errorf("post flows: %s: %w", client.Shown(target), err), Kept: true}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target+"/flows", bytes.NewReader(body))
	if err != nil {
		return fail(Refused, err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.http.Do(req)
	if err != nil {
		return fail(Unknown, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	switch {
	case resp.StatusCode >= 500:
		return fail(Unknown, errors.New(describe(resp.StatusCode, text)))
	case resp.StatusCode > 299:
		return fail(Refused, errors.New(describe(resp.StatusCode, text)))
	case err != nil:
		return fail(Unknown, err)
	}
	return Answer{Outcome: Stored}
}

// Get reads an hour to its end and discards it.
func (s *Sender) Get(ctx context.Context, hour flow.Hour) (bytes int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.access.Timeout)
	defer cancel()
	answer, err := s.client.Get(ctx, hour, contract.NeedUnproven)
	if err != nil {
		return 0, err
	}
	defer answer.Close()
	n, err := io.Copy(io.Discard, answer)
	if err != nil {
		return n, fmt.Errorf("get hour %d: %w", hour, err)
	}
	return n, nil
}
