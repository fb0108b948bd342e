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
	maxKinds   = 32       // of failures told apart: what a server sends decides, so there must be a limit
	maxProblem = 64 << 10 // bytes of a refusal that are read
)

// Traffic counts requests, each attempt of a post by itself, and what came back.
type Traffic struct {
	posts atomic.Int64      // attempts
	codes [600]atomic.Int64 // answers to posts

	mu    sync.Mutex
	kinds map[string]*Failure
}

// Failure is one way in which requests failed.
type Failure struct {
	Kind    string `json:"kind"`
	Count   int64  `json:"count"`
	Example string `json:"example"` // the first
}

// Attempts returns how many posts were sent, retries included.
func (t *Traffic) Attempts() int64 { return t.posts.Load() }

// Answers returns how many posts got which status.
func (t *Traffic) Answers() map[int]int64 {
	m := map[int]int64{}
	for code := range t.codes {
		if n := t.codes[code].Load(); n > 0 {
			m[code] = n
		}
	}
	return m
}

// Failures returns what failed, the most frequent first.
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

// counter counts what passes through a transport.
type counter struct {
	next    *http.Transport
	traffic *Traffic
}

// CloseIdleConnections is what http.Client calls by this name.
func (c *counter) CloseIdleConnections() { c.next.CloseIdleConnections() }

// RoundTrip counts the request and its answer; the text of a refusal is read to tell what kind it is, and can be read again.
func (c *counter) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodPost {
		c.traffic.posts.Add(1)
		req = req.WithContext(req.Context())
		req.GetBody = nil // or net/http would try again by itself, as there is a key, and nobody would count it
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
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxProblem)) // what there is of it must do
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(text))
	c.traffic.failed(refusalKind(resp.StatusCode, text), req.URL.Host+": "+describe(resp.StatusCode, text))
	return resp, nil
}

// refusalKind is "503 overloaded" for a problem of that type.
func refusalKind(status int, text []byte) string {
	var p router.Problem
	if json.Unmarshal(text, &p) != nil || p.Type == "" {
		return fmt.Sprint(status)
	}
	return fmt.Sprint(status, " ", path.Base(p.Type))
}

// describe says what a server answered, on one line.
func describe(status int, text []byte) string {
	var p router.Problem
	if json.Unmarshal(text, &p) == nil && p.Title != "" {
		return fmt.Sprintf("%d %s: %s", status, p.Title, p.Detail)
	}
	return fmt.Sprintf("%d %s", status, http.StatusText(status))
}

// errorKind says how a request failed that got no answer.
func errorKind(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return "cut off at the end"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection lost"
	case errors.As(err, new(*net.DNSError)):
		return "no such host"
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	}
	return "no answer"
}
