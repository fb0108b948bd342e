package transcript

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// maxReads is the number of times that a read is repeated while its answer is short.
const maxReads = 100

// updateEnv is the environment variable of update mode.
const updateEnv = "TRANSCRIPT_UPDATE"

// Check returns the differences between an exchange and another description of the API.
type Check func(r *http.Request, status int, h http.Header, body []byte) error

// Run runs the exchanges of a file with the server at baseURL ("http://host:port"), each as a subtest of t. It hands
// each exchange to checks too.
func Run(t *testing.T, baseURL, file string, checks ...Check) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := parse(string(text))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	v := newVars()
	client := newClient()
	defer client.CloseIdleConnections()
	for _, e := range s.exchanges {
		t.Run(e.name, func(t *testing.T) { e.run(t, client, baseURL, v, checks) })
	}
	if updating() {
		if err := os.WriteFile(file, []byte(s.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func updating() bool { return os.Getenv(updateEnv) != "" }

// newClient returns a client without compression and redirects.
func newClient() *http.Client {
	return &http.Client{
		Timeout:       30 * time.Second,
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// run sends the request and compares the answer. In update mode it replaces a differing answer.
func (e *exchange) run(t *testing.T, client *http.Client, baseURL string, v vars, checks []Check) {
	req, got, err := e.send(client, baseURL, v)
	for range maxReads {
		if err != nil {
			t.Fatalf("line %d: %v", e.line, err)
		}
		if !e.answer.mayFollow(req.Method, got) {
			break
		}
		req, got, err = e.send(client, baseURL, v)
	}
	for _, check := range checks {
		if err := check(req, got.status, got.headers, []byte(got.body+"\n")); err != nil {
			t.Errorf("line %d: %v", e.line, err)
		}
	}
	diffs := e.answer.differences(got, v)
	if len(diffs) > 0 && updating() {
		updated := e.answer.updated(got, v)
		updated.body = v.collapse(updated.body, strings.Join(e.request, "\n")+e.answer.body)
		e.answer = updated
		return
	}
	for _, d := range diffs {
		t.Errorf("line %d: %s", e.line, d)
	}
}

// send sends the request, and returns it with the answer.
func (e *exchange) send(client *http.Client, baseURL string, v vars) (*http.Request, received, error) {
	req, err := build(baseURL, e.request, v)
	if err != nil {
		return nil, received{}, fmt.Errorf("build request: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, received{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, received{}, fmt.Errorf("read answer: %w", err)
	}
	return req, received{resp.StatusCode, resp.Header, strings.TrimSuffix(string(body), "\n")}, nil
}
