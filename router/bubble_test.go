//go:build !race

package router

// Tests in a synctest bubble, where time is virtual. Bubbles crash under the race detector on Go 1.26
// (go.dev/issue/76691).

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
)

// pipes is a listener for connections of net.Pipe.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }
func (p pipes) Close() error   { close(p.done); return nil }
func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// dialBubble starts a real server in the bubble of t and returns a connection to it. Both end with the bubble.
func dialBubble(t *testing.T, cfg Config, cluster Cluster) net.Conn {
	t.Helper()
	h, _ := handlerFor(cfg, cluster)
	return dialHandler(t, h)
}

// dialHandler starts a real server of a handler.
func dialHandler(t *testing.T, h http.Handler) net.Conn {
	t.Helper()
	l := pipes{make(chan net.Conn), make(chan struct{})}
	srv := &http.Server{Handler: h}
	go srv.Serve(l)
	client, server := net.Pipe()
	l.conns <- server
	t.Cleanup(func() { client.Close(); srv.Close() })
	return client
}

// exchange writes a request and reads the answer, with its body.
func exchange(t *testing.T, conn net.Conn, request string) (*http.Response, string) {
	t.Helper()
	go io.WriteString(conn, request) // a pipe has no buffer: the answer may come before the end of the request
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("read answer: %v", err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read body: %v", err)
	}
	return resp, string(body)
}

func postRequest(body string) string {
	return fmt.Sprintf("POST /flows HTTP/1.1\r\nHost: n\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func TestAPostIsAnsweredInTimeIfTheClusterHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.onPost = func(ctx context.Context, _ *flow.Posting) (bool, error) {
			<-ctx.Done()
			return false, fmt.Errorf("post: %w", ctx.Err())
		}
		start := time.Now()
		resp, body := exchange(t, dialBubble(t, Config{}, f), postRequest(smallRecord))
		if took := time.Since(start); resp.StatusCode != 503 || took >= 4*time.Second {
			t.Errorf("POST = %d after %v, want 503 within 4 s", resp.StatusCode, took)
		}
		if after := resp.Header.Get("Retry-After"); after < "1" || after > "3" || !strings.Contains(body, `"retry_after":`+after) {
			t.Errorf("Retry-After = %q in the header, body %s; want 1 to 3 in both", after, body)
		}
		if !strings.Contains(body, "/problems/timeout") {
			t.Errorf("body = %s, want problem timeout", body)
		}
	})
}

func TestAGetIsAnsweredInTimeIfTheClusterHangs(t *testing.T) {
	for _, late := range []bool{false, true} { // an answer is opened after all
		synctest.Test(t, func(t *testing.T) {
			f, opened := newFake(), &fakeAnswer{complete: contract.Complete}
			f.onGet = func(ctx context.Context, _ flow.Hour, _ contract.Ask) (contract.Answer, error) {
				<-ctx.Done()
				if late {
					return opened, nil
				}
				return nil, ctx.Err()
			}
			start := time.Now()
			resp, _ := exchange(t, dialBubble(t, Config{}, f), "GET /flows?hour=1 HTTP/1.1\r\nHost: n\r\n\r\n")
			if took := time.Since(start); resp.StatusCode != 503 || took != DefaultGetTimeout {
				t.Errorf("late %v: GET = %d after %v, want 503 after %v", late, resp.StatusCode, took, DefaultGetTimeout)
			}
			if opened.closed != late {
				t.Errorf("late %v: answer closed = %v", late, opened.closed)
			}
		})
	}
}

func TestALongAnswerOutlivesTheDeadlineForOpeningIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.onGet = func(ctx context.Context, _ flow.Hour, _ contract.Ask) (contract.Answer, error) {
			return &slowAnswer{fakeAnswer{complete: contract.Complete}, ctx}, nil
		}
		resp, body := exchange(t, dialBubble(t, Config{}, f), "GET /flows?hour=1 HTTP/1.1\r\nHost: n\r\n\r\n")
		if resp.StatusCode != 200 || body != "[]\n" {
			t.Errorf("GET = %d %q, want 200 and the whole answer", resp.StatusCode, body)
		}
	})
}

// slowAnswer takes a minute, as long as ctx lives.
type slowAnswer struct {
	fakeAnswer
	ctx context.Context
}

func (a *slowAnswer) WriteTo(w io.Writer) (int64, error) {
	select {
	case <-a.ctx.Done():
		return 0, a.ctx.Err()
	case <-time.After(time.Minute):
		n, err := io.WriteString(w, "[]\n")
		return int64(n), err
	}
}

func TestASlowBodyIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		start := time.Now()
		partOnly := "POST /flows HTTP/1.1\r\nHost: n\r\nContent-Length: 100\r\n\r\n["
		resp, body := exchange(t, dialBubble(t, Config{BodyTimeout: 5 * time.Second}, f), partOnly)
		if took := time.Since(start); resp.StatusCode != 408 || took < 5*time.Second || took > 6*time.Second {
			t.Errorf("POST of a body that does not come = %d after %v (%s), want 408 after 5 s", resp.StatusCode, took, body)
		}
		if !resp.Close {
			t.Error("the connection is kept, with the rest of the body still to come")
		}
		if f.applied() != 0 {
			t.Error("half a body was applied")
		}
	})
}

// P16: net/http reads a part of a refused body before it answers.
func TestASlowBodyOfARefusedRequestIsGivenUp(t *testing.T) {
	for _, line := range []string{
		"POST /flows?dry_run=true", "POST /flow", "PUT /flows", "POST /members", "GET /flows?limit=1", "GET /livez",
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			request := line + " HTTP/1.1\r\nHost: n\r\nContent-Length: 100\r\n\r\n["
			resp, body := exchange(t, dialBubble(t, Config{BodyTimeout: 5 * time.Second}, newFake()), request)
			if took := time.Since(start); resp.StatusCode == 408 || took > 6*time.Second || !resp.Close {
				t.Errorf("%s with a body that does not come = %d after %v, closed %v (%s); want its own answer within 5 s, closed",
					line, resp.StatusCode, took, resp.Close, body)
			}
		})
	}
}

func TestTheTimeForTheBodyEndsWithTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.onPost = func(ctx context.Context, _ *flow.Posting) (bool, error) {
			select {
			case <-ctx.Done():
				return false, ctx.Err()
			case <-time.After(3 * time.Second):
				return false, nil
			}
		}
		resp, body := exchange(t, dialBubble(t, Config{BodyTimeout: time.Second}, f), postRequest(smallRecord))
		if resp.StatusCode != 200 {
			t.Errorf("POST that the cluster works on for 3 s = %d %s, want 200", resp.StatusCode, body)
		}
	})
}

func TestAStalledReaderDoesNotHoldTheHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, answer := newFake(), &fakeAnswer{complete: contract.Complete, chunks: []string{strings.Repeat(" ", 1<<20)}}
		f.onGet = func(context.Context, flow.Hour, contract.Ask) (contract.Answer, error) { return answer, nil }
		conn := dialBubble(t, Config{SendTimeout: 5 * time.Second}, f)
		io.WriteString(conn, "GET /flows?hour=1 HTTP/1.1\r\nHost: n\r\n\r\n")
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if !answer.closed {
			t.Error("the answer is still open after the time to send it")
		}
	})
}

func TestAPostEndsWithItsClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, outcome := newFake(), make(chan error, 1)
		f.onPost = func(ctx context.Context, _ *flow.Posting) (bool, error) {
			<-ctx.Done()
			outcome <- ctx.Err()
			return false, ctx.Err()
		}
		conn := dialBubble(t, Config{}, f)
		io.WriteString(conn, postRequest(smallRecord))
		synctest.Wait()
		conn.Close()
		if err := <-outcome; err != context.Canceled {
			t.Errorf("Post ended with %v, want it canceled with its client", err)
		}
	})
}

// A client with Expect sees the refusal before it sends its body.
func TestARefusalComesBeforeA100Continue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := dialHandler(t, New(Config{}, Deps{Cluster: newFake(), Log: discard, MemoryFull: func() bool { return true }}))
		resp, body := exchange(t, conn, "POST /flows HTTP/1.1\r\nHost: n\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n\r\n")
		if resp.StatusCode != 503 || !strings.Contains(body, "too little memory") {
			t.Errorf("POST with Expect = %d %s, want 503", resp.StatusCode, body)
		}
	})
}

func TestTheNumberOfBodiesInDecodingIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt, leave, first := newRouter(Config{MaxDecoding: 1}, Deps{Cluster: newFake(), Log: discard}), make(chan struct{}), make(chan int, 1)
		rt.parsers.New = func() any { <-leave; return new(parser) } // holds the decoding place
		h := rt.handler()
		go func() { first <- postTo(h, strings.NewReader(smallRecord)).Code }()
		synctest.Wait()
		w := postTo(h, strings.NewReader(smallRecord))
		if w.Code != 503 || !strings.Contains(w.Body.String(), "overloaded") {
			t.Errorf("POST that finds no place to be decoded = %d %s, want 503", w.Code, w.Body)
		}
		close(leave)
		if code := <-first; code != 503 && code != 200 {
			t.Errorf("first POST = %d", code)
		}
	})
}

// P16: a viewer that takes nothing is dropped, and its stream ends.
func TestAStalledViewerIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, reg := handlerFor(Config{SendTimeout: 5 * time.Second}, newFake())
		conn := dialHandler(t, h)
		io.WriteString(conn, "GET /flows/stream?from=1&to=2 HTTP/1.1\r\nHost: n\r\n\r\n")
		time.Sleep(6 * time.Second)
		synctest.Wait()
		wantMetric(t, reg, "flowring_http_viewers_dropped_total", 1)
		wantMetric(t, reg, "flowring_http_viewers", 0)
		wantMetric(t, reg, "flowring_http_streams", 0)
	})
}
