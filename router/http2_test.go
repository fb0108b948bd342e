package router

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"flowring/router/goaway"
)

// lines collects the lines of a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *lines) count(message string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), message)
}

// talk sends a text and returns the answer up to the end of the connection.
func talk(t *testing.T, addr, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	conn.(*net.TCPConn).CloseWrite()
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Errorf("read the answer to %q: %v", text, err)
	}
	return string(answer)
}

func TestHTTP2WithPriorKnowledgeIsRefused(t *testing.T) {
	reg, log := prometheus.NewRegistry(), &lines{}
	srv := httptest.NewServer(New(Config{}, Deps{Cluster: newFake(), Log: slog.New(slog.NewTextHandler(log, nil)), Registry: reg}))
	defer srv.Close()
	const begin = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" // the client's SETTINGS
	for range 2 {
		if got := talk(t, srv.Listener.Addr().String(), begin); got != goaway.Frames {
			t.Errorf("the answer to HTTP/2 is %q, want %q", got, goaway.Frames)
		}
	}
	wantMetric(t, reg, "flowring_http_refusals_total", 2, "reason", "http-version")
	wantMetric(t, reg, "flowring_http_requests_total", 2, "route", "other", "method", "other", "code", "aborted")
	if got := log.count("HTTP/2 without TLS refused"); got != 1 {
		t.Errorf("two refusals within 10 s are logged %d times, want once", got)
	}
}

func TestAnOfferToUpgradeIsAnsweredInHTTP1(t *testing.T) {
	url, _ := serve(t, Config{}, newFake())
	req, err := http.NewRequest(http.MethodPost, url+"/flows", strings.NewReader(smallRecord))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
	} {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 || resp.ProtoMajor != 1 {
		t.Errorf("POST with Upgrade: h2c = %s %s, want 200 in HTTP/1.1", resp.Proto, resp.Status)
	}
}

// net/http answers invalid HTTP/1.1, without problems. docs/api.md lists the cases.
func TestInvalidHTTPIsNotAnsweredByProblems(t *testing.T) {
	url, _ := serve(t, Config{}, newFake())
	for request, want := range map[string]string{
		"GET / HTTP/1.1\r\n\r\n":                                             "400",
		"GET /\x01 HTTP/1.1\r\nHost: n\r\n\r\n":                              "400",
		"POST /flows HTTP/1.1\r\nHost: n\r\nExpect: magic\r\n\r\n":           "417",
		"POST /flows HTTP/1.1\r\nHost: n\r\nTransfer-Encoding: gzip\r\n\r\n": "501",
		"GET / HTTP/3.0\r\nHost: n\r\n\r\n":                                  "505",
	} {
		answer := talk(t, strings.TrimPrefix(url, "http://"), request)
		if !strings.HasPrefix(answer, "HTTP/1.1 "+want) || strings.Contains(answer, "problem+json") {
			t.Errorf("%q = %q, want %s without a problem, and a closed connection", request, answer, want)
		}
	}
}
