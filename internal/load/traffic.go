package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"path"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/go-json-experiment/json"

	"flowring/router"
)

const (
	maxKinds   = 32       // kinds of failures; limited because a server chooses the kinds
	maxProblem = 64 << 10 // bytes read of a refusal
)

// Traffic counts requests and their answers; each attempt of a post is a request.
type Traffic struct {
	posts atomic.Int64      // attempts
	codes [600]atomic.Int64 // answers to posts

	mu    sync.Mutex
	kinds map[string]*Failure
}

// Failure is one kind of failed requests.
type Failure struct {
	Kind    string `json:"kind"`
	Count   int64  `json:"count"`
	Example string `json:"example"` // the first
}

// Attempts returns the number of posts sent, with retries.
func (t *Traffic) Attempts() int64 { return t.posts.Load() }

// Answers returns the number of answers to posts by status.
func (t *Traffic) Answers() map[int]int64 {
	m := map[int]int64{}
	for code := range t.codes {
		if n := t.codes[code].Load(); n > 0 {
			m[code] = n
		}
	}
	return m
}

// Failures returns the kinds of failures, the most frequent one first.
func (t *Traffic) Failures() []Failure {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]Failure, 0, len(t.kinds))
	for _, kind := range slices.Sorted(maps.Keys(t.kinds)) {
		all = append(all, *t.kinds[kind])
	}
	slices.SortStableFunc(all, func(a, b Failure) int { return int(b.Count - a.Count) })
	return all
}

func (t *Traffic) failed(kind, example string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kinds == nil {
		t.kinds = map[string]*Failure{}
	}
	f := t.kinds[kind]
	if f == nil && len(t.kinds) >= maxKinds {
		kind = "other"
		f = t.kinds[kind]
	}
	if f == nil {
		f = &Failure{Kind: kind, Example: example}
		t.kinds[kind] = f
	}
	f.Count++
}

// counter counts the requests through a transport.
type counter struct {
	next    *http.Transport
	traffic *Traffic
}

// CloseIdleConnections implements the interface that http.Client looks for.
func (c *counter) CloseIdleConnections() { c.next.CloseIdleConnections() }

// RoundTrip counts the request and its answer. It reads the text of a refusal for its kind, and lets the caller read it
// again.
func (c *counter) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodPost {
		c.traffic.posts.Add(1)
		req = req.WithContext(req.Context())
		req.GetBody = nil // otherwise net/http retries a request with a key by itself, uncounted
	}
	resp, err := c.next.RoundTrip(req)
	if err != nil {
		c.traffic.failed(errorKind(err), fmt.Sprintf("%s: %v", req.URL.Host, err))
		return nil, err
	}
	if req.Method == http.MethodPost && resp.StatusCode < len(c.traffic.codes) {
		c.traffic.codes[resp.StatusCode].Add(1)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxProblem)) // the part that arrives is enough
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(text))
	c.traffic.failed(refusalKind(resp.StatusCode, text), req.URL.Host+": "+describe(resp.StatusCode, text))
	return resp, nil
}

// refusalKind returns the kind of a refusal, such as "503 overloaded".
func refusalKind(status int, text []byte) string {
	var p router.Problem
	if json.Unmarshal(text, &p) != nil || p.Type == "" {
		return fmt.Sprint(status)
	}
	return fmt.Sprint(status, " ", path.Base(p.Type))
}

// describe returns an answer as one line.
func describe(status int, text []byte) string {
	var p router.Problem
	if json.Unmarshal(text, &p) == nil && p.Title != "" {
		return fmt.Sprintf("%d %s: %s", status, p.Title, p.Detail)
	}
	return fmt.Sprintf("%d %s", status, http.StatusText(status))
}

// errorKind returns the kind of an error without an answer.
func errorKind(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return "cut off at the end"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection lost"
	case errors.As(err, new(*net.DNSError)):
		return "no such host"
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	}
	return "no answer"
}
