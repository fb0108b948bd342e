package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const body = `[{"src_app":"a","dest_app":"b","vpc_id":"v","bytes_tx":1,"bytes_rx":2,"hour":3}]`

// step answers one attempt.
type step func(req *http.Request) (*http.Response, error)

// cluster is a RoundTripper: step i answers attempt i, and the last step answers all later attempts.
type cluster struct {
	steps []step

	mu       sync.Mutex
	requests []seen
}

// seen is a received request.
type seen struct {
	host, key, body string
	at              time.Time
}

func (c *cluster) RoundTrip(req *http.Request) (*http.Response, error) {
	s := seen{host: req.URL.Host, key: req.Header.Get("Idempotency-Key"), at: time.Now()}
	if req.Body != nil {
		sent, _ := io.ReadAll(req.Body)
		req.Body.Close()
		s.body = string(sent)
	}
	c.mu.Lock()
	c.requests = append(c.requests, s)
	next := c.steps[min(len(c.requests), len(c.steps))-1]
	c.mu.Unlock()
	return next(req)
}

// reply answers with a status, headers ("Name: value") and a body.
func reply(status int, text string, headers ...string) step {
	return func(*http.Request) (*http.Response, error) {
		h := http.Header{}
		for _, line := range headers {
			name, value, _ := strings.Cut(line, ": ")
			h.Add(name, value)
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(text))}, nil
	}
}

// lose fails without an answer.
func lose(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset") }

// cutShort acknowledges, but the connection breaks within the answer.
func cutShort(*http.Request) (*http.Response, error) {
	text := io.MultiReader(bytes.NewReader([]byte(`{"records":1,"flo`)), broken{})
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(text)}, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// hang does not answer until the client gives up.
func hang(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// stuck begins an answer and hangs.
func stuck(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(hanging{req.Context()})}, nil
}

type hanging struct{ ctx context.Context }

func (h hanging) Read([]byte) (int, error) {
	<-h.ctx.Done()
	return 0, h.ctx.Err()
}

var (
	stored      = reply(200, `{"records":1,"flows":1,"hours":[3]}`+"\n")
	replayed    = reply(200, `{"records":1,"flows":1,"hours":[3]}`+"\n", "Idempotency-Replayed: true")
	unavailable = reply(503, `{"title":"Too few stores","status":503,"detail":"no n2","stores":["n2"],"retry_after":3}`,
		"Content-Type: application/problem+json", "Retry-After: 3")
	refused = reply(400, `{"title":"A record is not valid","status":400,"detail":"record 3: no","record":3,"field":"hour"}`,
		"Content-Type: application/problem+json")
)

// newTestClient returns a client of n targets, http://n1 and so on, and its cluster of steps.
func newTestClient(t *testing.T, n int, steps ...step) (*Client, *cluster) {
	t.Helper()
	c := &cluster{steps: steps}
	cfg := Config{HTTP: &http.Client{Transport: c}}
	for i := range n {
		cfg.Targets = append(cfg.Targets, "http://n"+string(rune('1'+i)))
	}
	client, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client, c
}
