package load

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// wired starts a server and returns its URL, how many connections it has seen, and a transport to it.
func wired(t *testing.T, h http.HandlerFunc) (url string, conns *atomic.Int64, w *wire) {
	t.Helper()
	conns = &atomic.Int64{}
	server := httptest.NewUnstartedServer(h)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	server.Start()
	w = newWire(http.DefaultTransport, 1<<10)
	t.Cleanup(func() { w.CloseIdleConnections(); server.Close() })
	return server.URL, conns, w
}

// post makes one request and returns the status and the answer.
func post(ctx context.Context, w *wire, url string, body []byte) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	resp, err := w.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // all of it, for the server stops reading when it answers
	w.Write(body)
}

func TestAConnectionServesManyRequests(t *testing.T) {
	url, conns, w := wired(t, echo)
	for _, size := range []int{0, 1, 1 << 10, 1 << 20} {
		body := strings.Repeat("x", size)
		for range 3 {
			if status, got, err := post(t.Context(), w, url, []byte(body)); status != 200 || got != body || err != nil {
				t.Fatalf("a post of %d bytes = %d with %d bytes, %v, want 200 with the same", size, status, len(got), err)
			}
		}
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("12 requests took %d connections, want 1", n)
	}
}

func TestAConnectionIsNotUsedAgain(t *testing.T) {
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		between func(*wire)
	}{
		{"when the server closes it", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") }, func(*wire) {}},
		{"when it was idle for long", echo, func(w *wire) {
			for _, lines := range w.idle {
				lines[0].used = time.Now().Add(-maxIdle)
			}
		}},
		{"when all that are idle were closed", echo, (*wire).CloseIdleConnections},
	} {
		url, conns, w := wired(t, test.handler)
		for range 3 {
			if status, _, err := post(t.Context(), w, url, nil); status != 200 || err != nil {
				t.Fatalf("%s: a post = %d, %v, want 200", test.name, status, err)
			}
			test.between(w)
		}
		if n := conns.Load(); n != 3 {
			t.Errorf("%s: 3 requests took %d connections, want 3", test.name, n)
		}
	}
}

func TestAnAnswerThatIsNotReadIsNotTheNextOne(t *testing.T) {
	url, conns, w := wired(t, echo)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("first"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := w.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if _, got, err := post(t.Context(), w, url, []byte("second")); got != "second" || err != nil || conns.Load() != 2 {
		t.Errorf("the next answer is %q, %v on connection %d, want second on 2", got, err, conns.Load())
	}
}

func TestARequestEndsWithItsContext(t *testing.T) {
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
	}{
		{"before the answer", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
		{"in the middle of it", func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "half")
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}},
	} {
		url, conns, w := wired(t, func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				test.handler(rw, r)
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, _, err := post(ctx, w, url+"/", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: post() = %v, want the deadline", test.name, err)
		}
		if status, _, err := post(t.Context(), w, url+"/next", nil); status != 200 || err != nil || conns.Load() != 2 {
			t.Errorf("%s: the next post = %d, %v on connection %d, want 200 on another", test.name, status, err, conns.Load())
		}
	}
}

// A node may refuse a body that it has not read, and hang up.
func TestAnEarlyAnswerCounts(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		io.WriteString(conn, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy")
		conn.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, conn)
		conn.Close()
	}()
	w := newWire(http.DefaultTransport, 1<<10)
	defer w.CloseIdleConnections()
	status, got, err := post(t.Context(), w, "http://"+l.Addr().String(), make([]byte, 4<<20))
	if status != 503 || got != "busy" || err != nil {
		t.Errorf("post() = %d %q, %v, want 503 busy", status, got, err)
	}
}

func TestTLSIsLeftToAnother(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(echo))
	defer server.Close()
	w := newWire(server.Client().Transport, 1<<10)
	if status, got, err := post(t.Context(), w, server.URL, []byte("x")); status != 200 || got != "x" || err != nil {
		t.Errorf("post() = %d %q, %v, want 200 x", status, got, err)
	}
	w.CloseIdleConnections()
}
