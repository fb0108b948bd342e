//go:build !race

package router

// The bounds of P12 and P16 over HTTP/2, at a real port with TLS, in virtual time. The tests of bubble_test.go have the
// same bounds over HTTP/1.1.

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"flowring/flow"
	"flowring/internal/browser"
	"flowring/internal/certtest"
	"flowring/internal/contract"
	"flowring/internal/memnet"
	"flowring/internal/reload"
	"flowring/node/port"
)

// protocol is a way to speak to the public port.
type protocol struct {
	name   string
	secure bool // the port has TLS
	major  int  // version of HTTP
}

var (
	plainHTTP1 = protocol{"HTTP/1.1", false, 1}
	tlsHTTP1   = protocol{"HTTP/1.1 with TLS", true, 1}
	tlsHTTP2   = protocol{"HTTP/2", true, 2}
)

// tlsPort is a port at 10.0.0.1:8443 in a network of the test.
type tlsPort struct {
	protocol
	t      *testing.T
	net    *memnet.Net
	server *port.Server
	roots  *tls.Config
}

// openTLS opens a port with HTTP/2 for the handler. It ends with the bubble.
func openTLS(t *testing.T, h http.Handler, maxConns int) *tlsPort {
	t.Helper()
	return openPort(t, tlsHTTP2, h, maxConns)
}

func openPort(t *testing.T, proto protocol, h http.Handler, maxConns int) *tlsPort {
	t.Helper()
	ca := certtest.New(t, "CA")
	cert, key := ca.Issue(certtest.Names{IPs: []string{"10.0.0.1"}}).Write(t, t.TempDir())
	pair, err := reload.Add(reload.NewSet(nil), reload.KeyPair("cert", cert, key))
	if err != nil {
		t.Fatal(err)
	}
	p := &tlsPort{protocol: proto, t: t, net: memnet.New(memnet.Options{}), roots: &tls.Config{RootCAs: ca.Pool(), ServerName: "10.0.0.1"}}
	cfg := port.Config{Setting: "http", Addr: "10.0.0.1:8443", AdvertiseHost: "10.0.0.1", MaxConns: maxConns, MaxHeader: 64 << 10}
	if proto.secure {
		cfg.Secure = port.TLS(pair, nil)
	}
	if proto.major == 2 {
		p.roots.NextProtos = []string{"h2"}
	}
	p.server, err = port.Open(t.Context(), cfg,
		port.Deps{Network: p.net.Host("10.0.0.1"), Log: discard, Handler: func(*browser.Guard) http.Handler { return h }, Fail: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	p.server.Serve()
	t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		p.server.Stop(ended)
		p.server.Wait()
	})
	return p
}

// dial opens a connection of TCP from an address.
func (p *tlsPort) dial(from string) net.Conn {
	p.t.Helper()
	conn, err := p.net.Host(from).DialContext(p.t.Context(), "tcp", "10.0.0.1:8443")
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	return conn
}

// secured returns a connection with TLS, if the port has it.
func (p *tlsPort) secured(conn net.Conn) net.Conn {
	if !p.secure {
		return conn
	}
	return tls.Client(conn, p.roots.Clone())
}

// url returns the URL of a path.
func (p *tlsPort) url(path string) string {
	if p.secure {
		return "https://10.0.0.1:8443" + path
	}
	return "http://10.0.0.1:8443" + path
}

// client returns a client with the protocol of the port from an address.
func (p *tlsPort) client(from string) *http.Client {
	transport := &http.Transport{DialContext: p.net.Host(from).DialContext, TLSClientConfig: p.roots.Clone(), ForceAttemptHTTP2: p.major == 2, DisableCompression: true}
	p.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// do sends a request, and returns the answer with its body. An answer of another protocol fails the test.
func (p *tlsPort) do(c *http.Client, method, path string, body io.Reader, headers ...string) (*http.Response, string) {
	p.t.Helper()
	req, err := http.NewRequest(method, p.url(path), body)
	if err != nil {
		p.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.ProtoMajor != p.major {
		p.t.Fatalf("%s %s = %s, %v, want %s and a whole body", method, path, resp.Proto, err, p.name)
	}
	return resp, string(text)
}

// stalled is a body whose rest never comes. Its Close ends the wait of a Read.
type stalled struct {
	first io.Reader
	done  chan struct{}
	once  sync.Once
}

func newStalled(first string) *stalled {
	return &stalled{first: strings.NewReader(first), done: make(chan struct{})}
}

func (s *stalled) Read(p []byte) (int, error) {
	if n, _ := s.first.Read(p); n > 0 {
		return n, nil
	}
	<-s.done
	return 0, io.ErrUnexpectedEOF
}

func (s *stalled) Close() error { s.once.Do(func() { close(s.done) }); return nil }

func TestRequestsOverHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		h, _ := handlerFor(Config{MaxBody: 1 << 20}, f)
		p := openTLS(t, h, 1000)
		c := p.client("10.0.0.2")
		var bomb bytes.Buffer
		z := gzip.NewWriter(&bomb)
		z.Write(bytes.Repeat([]byte(" "), 8<<20))
		z.Close()
		for _, tt := range []struct {
			name, method, path, body string
			want                     int
			headers                  []string
		}{
			{"a POST", "POST", "/flows", smallRecord, 200, nil},
			{"a GET", "GET", "/flows?hour=3", "", 200, nil},
			{"a path that does not exist", "GET", "/flow", "", 404, nil},
			{"a body that is too long by its header", "POST", "/flows", strings.Repeat(" ", 1<<20+1), 413, nil},
			{"a bomb (P16)", "POST", "/flows", bomb.String(), 413, []string{"Content-Encoding", "gzip"}},
			{"deep nesting (P16)", "POST", "/flows", strings.Repeat("[", 1<<19), 400, nil},
			{"a huge key (P16)", "POST", "/flows", smallRecord, 400, []string{"Idempotency-Key", strings.Repeat("k", 32<<10)}},
		} {
			if resp, body := p.do(c, tt.method, tt.path, strings.NewReader(tt.body), tt.headers...); resp.StatusCode != tt.want || len(body) > 1000 {
				t.Errorf("%s = %d, %d bytes, want %d and a short answer", tt.name, resp.StatusCode, len(body), tt.want)
			}
		}
		if f.applied() != 1 {
			t.Errorf("%d requests are stored, want the one that was answered with 200 (P3)", f.applied())
		}
	})
}

func TestThePortRefusesOldTLSAndPlainRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := handlerFor(Config{}, newFake())
		p := openTLS(t, h, 1000)
		old := p.roots.Clone()
		old.MaxVersion = tls.VersionTLS12
		old.ServerName = "10.0.0.1"
		if err := tls.Client(p.dial("10.0.0.2"), old).Handshake(); err == nil {
			t.Error("a handshake of TLS 1.2 succeeds, want TLS 1.3 alone")
		}
		conn := p.dial("10.0.0.2")
		io.WriteString(conn, "GET /members HTTP/1.1\r\nHost: n\r\n\r\n")
		if answer, _ := io.ReadAll(conn); !strings.HasPrefix(string(answer), "HTTP/1.0 400 ") {
			t.Errorf("a plain request = %q, want 400", answer)
		}
	})
}

// P16: the time of a body ends over HTTP/2 too. A refusal does not wait for the rest of a body that its client may never send.
func TestASlowBodyOverHTTP2IsGivenUp(t *testing.T) {
	for _, tt := range []struct {
		path   string
		want   int
		within time.Duration
	}{{"/flows", 408, 6 * time.Second}, {"/flow", 404, 0}, {"/flows?dry_run=true", 400, 0}} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			h, _ := handlerFor(Config{BodyTimeout: 5 * time.Second}, f)
			p := openTLS(t, h, 1000)
			start := time.Now()
			resp, _ := p.do(p.client("10.0.0.2"), "POST", tt.path, newStalled("["))
			if took := time.Since(start); resp.StatusCode != tt.want || took > tt.within || f.applied() != 0 {
				t.Errorf("POST %s of a body that does not come = %d after %v, want %d within %v", tt.path, resp.StatusCode, took, tt.want, tt.within)
			}
		})
	}
}

// P12: a POST beyond a limit is refused before its body is read.
func TestAPostBeyondALimitIsRefusedOverHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openTLS(t, New(Config{}, Deps{Cluster: newFake(), Log: discard, MemoryFull: func() bool { return true }}), 1000)
		start := time.Now()
		resp, body := p.do(p.client("10.0.0.2"), "POST", "/flows", newStalled("["))
		if took := time.Since(start); resp.StatusCode != 503 || !strings.Contains(body, "too little memory") || took > time.Second || resp.Header.Get("Retry-After") == "" {
			t.Errorf("POST = %d after %v %s, want 503 at once with Retry-After", resp.StatusCode, took, body)
		}
	})
}

// P16: a reader without progress loses its answer, over HTTP/2 too.
func TestAStalledReaderOverHTTP2DoesNotHoldTheHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, answer := newFake(), &fakeAnswer{complete: contract.Complete, chunks: []string{strings.Repeat(" ", 16<<20)}}
		f.onGet = func(context.Context, flow.Hour, contract.Ask) (contract.Answer, error) { return answer, nil }
		h, _ := handlerFor(Config{SendTimeout: 5 * time.Second}, f)
		p := openTLS(t, h, 1000)
		req, err := http.NewRequest("GET", "https://10.0.0.1:8443/flows?hour=1", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := p.client("10.0.0.2").Do(req)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * time.Second) // the client reads nothing of the body
		synctest.Wait()
		if !answer.closed {
			t.Error("the answer is still open after the time to send it")
		}
		if n, err := io.Copy(io.Discard, resp.Body); err == nil || n >= 16<<20 {
			t.Errorf("the client reads %d bytes, %v, want an answer that breaks off", n, err)
		}
		resp.Body.Close()
	})
}

func TestAPostOverHTTP2EndsWithItsClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, outcome := newFake(), make(chan error, 1)
		f.onPost = func(ctx context.Context, _ *flow.Posting) (bool, error) {
			<-ctx.Done()
			outcome <- ctx.Err()
			return false, ctx.Err()
		}
		h, _ := handlerFor(Config{}, f)
		p := openTLS(t, h, 1000)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		req, err := http.NewRequestWithContext(ctx, "POST", "https://10.0.0.1:8443/flows", strings.NewReader(smallRecord))
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := p.client("10.0.0.2").Do(req); err == nil {
			resp.Body.Close()
			t.Errorf("the canceled POST = %d", resp.StatusCode)
		}
		if err := <-outcome; !errors.Is(err, context.Canceled) {
			t.Errorf("Post ended with %v, want it canceled with its client", err)
		}
	})
}

// P16: a client that is slow before its first request loses its connection in bounded time: before TLS, after TLS, and
// in the middle of the headers of HTTP/2.
func TestSlowHeadersOverHTTP2EndTheConnection(t *testing.T) {
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	settings := frame(4, 0, 0, "")
	for _, tt := range []struct {
		name, send string
		tls        bool
		within     time.Duration
	}{
		{"no byte", "", false, 6 * time.Second},
		{"the beginning of a handshake", "\x16\x03\x01\x02\x00", false, 6 * time.Second},
		{"a handshake and nothing", "", true, 12 * time.Second},
		{"a part of the preface", "PRI * HTTP", true, 12 * time.Second},
		{"a preface without settings", preface, true, 12 * time.Second},
		{"a part of the headers", preface + settings + frame(1, 0, 1, strings.Repeat("\x82", 100))[:50], true, 3 * time.Minute},
		{"headers without their end", preface + settings + frame(1, 0, 1, "\x82\x84\x87"), true, 3 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, _ := handlerFor(Config{}, newFake())
				p := openTLS(t, h, 10)
				conn := p.dial("10.0.0.2")
				if tt.tls {
					cfg := p.roots.Clone()
					cfg.ServerName = "10.0.0.1"
					conn = tls.Client(conn, cfg)
				}
				start := time.Now()
				if _, err := io.WriteString(conn, tt.send); err != nil {
					t.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, conn); errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				if took := time.Since(start); took > tt.within {
					t.Errorf("the connection lives for %v, want at most %v", took, tt.within)
				}
				synctest.Wait()
				if open, _ := p.server.Connections(); open != 0 {
					t.Errorf("%d connections are open after that, want 0", open)
				}
			})
		})
	}
}

// frame returns a frame of HTTP/2: RFC 9113, section 4.1.
func frame(kind, flags byte, stream uint32, payload string) string {
	head := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	return string(binary.BigEndian.AppendUint32(head, stream)) + payload
}

// P16: the headers of a request have a limit.
func TestLargeHeadersAreRefused(t *testing.T) {
	for _, proto := range []protocol{plainHTTP1, tlsHTTP1, tlsHTTP2} {
		t.Run(proto.name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { sendLargeHeaders(t, proto) }) })
	}
}

func sendLargeHeaders(t *testing.T, proto protocol) {
	h, _ := handlerFor(Config{}, newFake())
	p := openPort(t, proto, h, 1000)
	c := p.client("10.0.0.2")
	for size, want := range map[int]int{32 << 10: 200, 128 << 10: 431} {
		req, err := http.NewRequest("GET", p.url("/livez"), nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range size / 1024 {
			req.Header.Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 1000))
		}
		switch resp, err := c.Do(req); {
		case err != nil && want == 200:
			t.Errorf("headers of %d bytes: %v, want %d", size, err, want)
		case err == nil:
			if resp.Body.Close(); resp.StatusCode != want {
				t.Errorf("headers of %d bytes = %d, want %d", size, resp.StatusCode, want)
			}
		}
	}
	time.Sleep(time.Second) // net/http closes a connection of HTTP/1.1 some time after the 431
}

// P16: an address that opens connections without end gets most of them and not the last ones, and another address still
// gets its answer.
func TestAFloodOfConnectionsLeavesRoomForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := handlerFor(Config{}, newFake())
		p := openTLS(t, h, 50)
		for range 200 {
			p.dial("10.0.0.2")
		}
		synctest.Wait()
		if open, refused := p.server.Connections(); open != 40 || refused != 160 {
			t.Errorf("200 connections of one address: %d open, %d refused, want 40 and 160", open, refused)
		}
		if resp, _ := p.do(p.client("10.0.0.3"), "GET", "/livez", nil); resp.StatusCode != 200 {
			t.Errorf("GET of another address = %d, want 200", resp.StatusCode)
		}
		time.Sleep(6 * time.Second) // the time for a handshake
		synctest.Wait()
		if open, _ := p.server.Connections(); open != 1 {
			t.Errorf("%d connections are open after the time for a handshake, want the one of the other address", open)
		}
	})
}

// P16: the requests of HTTP/2 have the limit of connections, because one connection has many.
func TestAFloodOfRequestsOverHTTP2LeavesRoomForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		release := make(chan struct{})
		f.onGet = func(ctx context.Context, _ flow.Hour, _ contract.Ask) (contract.Answer, error) {
			<-release
			return &fakeAnswer{complete: contract.Complete, chunks: []string{"[]\n"}}, nil
		}
		h, reg := handlerFor(Config{MaxRequests: 20}, f)
		p := openTLS(t, h, 1000)
		c := p.client("10.0.0.2")
		codes := make(chan int, 30)
		for range 30 {
			go func() {
				resp, _ := p.do(c, "GET", "/flows?hour=1", nil)
				codes <- resp.StatusCode
			}()
			synctest.Wait()
		}
		if resp, _ := p.do(p.client("10.0.0.3"), "GET", "/livez", nil); resp.StatusCode != 200 {
			t.Errorf("GET of another address = %d, want 200", resp.StatusCode)
		}
		close(release)
		count := map[int]int{}
		for range 30 {
			count[<-codes]++
		}
		if count[200] != 16 || count[503] != 14 {
			t.Errorf("30 requests of one address = %v, want 16 times 200 and 14 times 503", count)
		}
		wantMetric(t, reg, "flowring_http_overloads_total", 14, "limit", "requests")
	})
}

// hanging is a cluster whose GETs take until their client goes away. started and ended count them.
func hanging(started, ended *atomic.Int32) *fake {
	f := newFake()
	f.onGet = func(ctx context.Context, _ flow.Hour, _ contract.Ask) (contract.Answer, error) {
		started.Add(1)
		<-ctx.Done()
		ended.Add(1)
		return nil, ctx.Err()
	}
	return f
}

// sendGets begins n GETs of an hour on one connection of HTTP/2, which then neither reads nor writes.
func (p *tlsPort) sendGets(n int) net.Conn {
	p.t.Helper()
	cfg := p.roots.Clone()
	cfg.ServerName = "10.0.0.1"
	conn := tls.Client(p.dial("10.0.0.2"), cfg)
	field := func(index byte, value string) string { return string([]byte{index, byte(len(value))}) + value } // RFC 7541
	headers := "\x82\x87" + field(0x01, "10.0.0.1:8443") + field(0x04, "/flows?hour=1")
	text := "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, "")
	for i := range n {
		text += frame(1, 5, uint32(2*i+1), headers) // with END_STREAM and END_HEADERS
	}
	if _, err := io.WriteString(conn, text); err != nil {
		p.t.Fatal(err)
	}
	synctest.Wait()
	return conn
}

// P16: the memory of one connection is bounded, because its requests at once are.
func TestOneConnectionOfHTTP2HasFewRequestsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var started, ended atomic.Int32
		h, _ := handlerFor(Config{}, hanging(&started, &ended))
		conn := openTLS(t, h, 1000).sendGets(100)
		if n := started.Load(); n != 64 {
			t.Errorf("%d requests of one connection are in progress, want 64", n)
		}
		conn.Close()
		synctest.Wait()
	})
}

// P16: a client of HTTP/2 that is gone without a word loses its requests in bounded time.
func TestAGoneClientOfHTTP2IsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var started, ended atomic.Int32
		h, _ := handlerFor(Config{GetTimeout: time.Hour}, hanging(&started, &ended))
		p := openTLS(t, h, 1000)
		conn := p.sendGets(1)
		time.Sleep(76 * time.Second) // the time until a ping, and for its answer
		synctest.Wait()
		if open, _ := p.server.Connections(); open != 0 || started.Load() != 1 || ended.Load() != 1 {
			t.Errorf("after the time for a ping: %d connections, %d requests of %d have ended; want 0, 1 of 1",
				open, ended.Load(), started.Load())
		}
		conn.Close()
	})
}
