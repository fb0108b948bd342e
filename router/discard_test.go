package router

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"flowring/internal/memnet"
	"flowring/internal/racetest"
)

// dialBuffered starts a server and returns a connection with a buffer of 256 KiB, as in a network.
func dialBuffered(t *testing.T, cfg Config) (net.Conn, *prometheus.Registry) {
	t.Helper()
	h, reg := handlerFor(cfg, newFake())
	network := memnet.New(memnet.Options{Latency: time.Millisecond})
	l, err := network.Host("10.0.0.2").Listen(t.Context(), "tcp", "10.0.0.2:80")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	go srv.Serve(l)
	conn, err := network.Host("10.0.0.1").DialContext(t.Context(), "tcp", "10.0.0.2:80")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		srv.Close()
		time.Sleep(time.Second) // net/http waits for half a second before it closes a connection
	})
	return conn, reg
}

// A client of Python writes the whole request before it reads. It must see the refusal.
func TestAClientSeesTheRefusalAfterItsWholeBody(t *testing.T) {
	const limit = 1 << 20
	sized := func(n int) string { return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", n, strings.Repeat(" ", n)) }
	chunked := func(n int) string {
		return fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", n, strings.Repeat(" ", n))
	}
	for _, tt := range []struct {
		name, request string
		status        int
	}{
		{"one byte too many", "POST /flows HTTP/1.1\r\nHost: n\r\n" + sized(limit+1), 413},
		{"three times the limit", "POST /flows HTTP/1.1\r\nHost: n\r\n" + sized(3*limit), 413},
		{"four times the limit without a length", "POST /flows HTTP/1.1\r\nHost: n\r\n" + chunked(4*limit), 413},
		{"a wrong type", "POST /flows HTTP/1.1\r\nHost: n\r\nContent-Type: text/html\r\n" + sized(limit), 415},
		{"a wrong key", "POST /flows HTTP/1.1\r\nHost: n\r\nIdempotency-Key: a b\r\n" + sized(limit), 400},
		{"a wrong path", "POST /flow HTTP/1.1\r\nHost: n\r\n" + sized(limit), 404},
		{"a wrong method", "PUT /flows HTTP/1.1\r\nHost: n\r\n" + chunked(limit), 405},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				conn, reg := dialBuffered(t, Config{MaxBody: limit})
				if n, err := io.WriteString(conn, tt.request); err != nil {
					t.Fatalf("the connection is cut after %d of %d bytes: %v", n, len(tt.request), err)
				}
				resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil || resp.StatusCode != tt.status || !resp.Close {
					t.Fatalf("answer %+v, %v, want %d and the end of the connection", resp, err, tt.status)
				}
				wantMetric(t, reg, "flowring_http_buffered_bytes", 0)
			})
		})
	}
}

// An endless body is read up to three times the limit, or until the deadline of a body. It holds no memory (P16).
func TestABodyWithoutEndIsDiscardedForABoundedTime(t *testing.T) {
	const limit = 1 << 20
	for _, tt := range []struct {
		name  string
		pause time.Duration // between pieces of 64 KiB
		most  int           // bytes taken by the node
		took  time.Duration // until the connection is cut
	}{
		{"fast", 0, 3*limit + 1<<20, time.Second},
		{"slow", time.Second, 6 << 16, 6 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				conn, reg := dialBuffered(t, Config{MaxBody: limit, BodyTimeout: 5 * time.Second})
				begun, written := time.Now(), 0
				_, err := fmt.Fprintf(conn, "POST /flows HTTP/1.1\r\nHost: n\r\nContent-Length: %d\r\n\r\n", 100*limit)
				for err == nil && written < 100*limit {
					time.Sleep(tt.pause)
					var n int
					n, err = conn.Write(make([]byte, 64<<10))
					written += n
					synctest.Wait()
					wantMetric(t, reg, "flowring_http_buffered_bytes", 0)
				}
				if took := time.Since(begun); err == nil || written > tt.most || took > tt.took {
					t.Errorf("%d bytes were taken for %v (%v), want %d for %v at most", written, took, err, tt.most, tt.took)
				}
				if got := metricValue(t, reg, "flowring_http_body_discarded_bytes_total", nil); got == 0 || got > 3*limit {
					t.Errorf("%v bytes were discarded, want %d at most", got, 3*limit)
				}
			})
		})
	}
}

// The body of a client with Expect never comes after a refusal. The node does not wait for it.
func TestABodyAnnouncedWithExpectIsNotAwaited(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		conn, _ := dialBuffered(t, Config{MaxBody: 1 << 20})
		begun := time.Now()
		io.WriteString(conn, "POST /flows HTTP/1.1\r\nHost: n\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n")
		answer, err := io.ReadAll(conn)
		if took := time.Since(begun); !strings.HasPrefix(string(answer), "HTTP/1.1 413") || took > time.Second {
			t.Errorf("answer %q, %v after %v, want a 413 and the end of the connection at once", answer, err, took)
		}
	})
}

// earlyWriter records the bytes of the body read before the answer begins.
type earlyWriter struct {
	*httptest.ResponseRecorder
	body *zeros
	read int64
}

func (w *earlyWriter) WriteHeader(status int) {
	w.read = w.body.n
	w.ResponseRecorder.WriteHeader(status)
}
