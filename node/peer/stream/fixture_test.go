package stream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"flowring/internal/memnet"
	"flowring/internal/racetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The kinds of calls in these tests.
const (
	kindPlain Kind = 1 // the buffer of its body is used again
	kindKept  Kind = 2
)

const maxBody = 1 << 20 // of the servers in these tests

// answerer answers a call with a text, and a refused call with the reason.
type answerer func(ctx context.Context, c *Call) string

func (a answerer) Serve(ctx context.Context, c *Call) { reply(c, a(ctx, c)) }

func (a answerer) Refuse(c *Call, reason error) { reply(c, "refused: "+reason.Error()) }

func reply(c *Call, text string) {
	c.Reply(len(text), func(dst []byte) []byte { return append(dst, text...) })
}

// echo answers with the body of the call.
func echo(_ context.Context, c *Call) string { return string(c.Body) }

// newServer returns a server with the number of slots given for each kind of call.
func newServer(slots int, a answerer) *Server {
	return NewServer(ServerConfig{MaxBody: maxBody, Methods: map[Kind]Method{
		kindPlain: {Slots: make(chan struct{}, slots)},
		kindKept:  {Slots: make(chan struct{}, slots), KeepsBody: true},
	}}, a)
}

// slotsInUse returns how many calls hold a slot.
func (s *Server) slotsInUse() (n int) {
	for _, m := range s.methods {
		n += len(m.Slots)
	}
	return n
}

// count returns how many streams the server has.
func (s *Server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.streams)
}

// accept hands the connection of an HTTP request over to fn, and closes it afterwards.
func accept(t testing.TB, fn func(conn net.Conn, in *bufio.Reader)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fn(conn, buffered.Reader)
	}
}

// serving is the HTTP handler in front of a server.
func serving(t testing.TB, s *Server) http.HandlerFunc {
	take := accept(t, func(conn net.Conn, _ *bufio.Reader) { s.Serve(conn) })
	return func(w http.ResponseWriter, r *http.Request) {
		if err := s.Accepts(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		take(w, r)
	}
}

// serveHTTP serves on loopback, and returns the address.
func serveHTTP(t testing.TB, h http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// serve serves a server on loopback until the test ends, and counts the streams.
func serve(t testing.TB, s *Server) (addr string, streams *atomic.Int64) {
	t.Helper()
	streams = new(atomic.Int64)
	h := serving(t, s)
	addr = serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		streams.Add(1)
		h(w, r)
	}))
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s.Shutdown(ctx)
	})
	return addr, streams
}

// serveScript serves streams by a test script.
func serveScript(t testing.TB, fn func(conn net.Conn, in *bufio.Reader)) string {
	t.Helper()
	return serveHTTP(t, accept(t, func(conn net.Conn, in *bufio.Reader) {
		io.WriteString(conn, upgraded)
		fn(conn, in)
	}))
}

type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// newClient returns a client with a dialer.
func newClient(dial dialer) *Client {
	return NewClient(ClientDeps{
		Dial: dial,
		Request: func(ctx context.Context, addr string) (*http.Request, error) {
			return http.NewRequestWithContext(ctx, "POST", "http://"+addr+"/stream", nil)
		},
		Rejection: func(res *http.Response, addr string) error {
			data, _ := io.ReadAll(res.Body)
			return errors.New(res.Status + ": " + string(data))
		},
	})
}

// newLoopbackClient returns a client for TCP on loopback, until the end of the test.
func newLoopbackClient(t testing.TB) *Client {
	c := newClient(new(net.Dialer).DialContext)
	t.Cleanup(c.Close)
	return c
}

// call makes a call and returns the text of its answer.
func call[T string | []byte](ctx context.Context, c *Client, addr string, kind Kind, body T) (string, error) {
	fill := func(dst []byte) []byte { return append(dst, body...) }
	a, err := c.Call(ctx, addr, Request{Kind: kind, Size: len(body), Append: fill})
	if err != nil {
		return "", err
	}
	defer a.Release()
	return string(a.Body), nil
}

// unsent reports whether a call failed before it reached the peer.
func unsent(err error) bool {
	var u *UnsentError
	return errors.As(err, &u)
}

// frame returns the frame of a call or of an answer.
func frame(kind Kind, id uint64, body string) []byte {
	return append(appendHead(nil, head{kind, id, len(body)}), body...)
}

// readFrame reads one frame; ok is false at the end of the stream.
func readFrame(in *bufio.Reader) (h head, body string, ok bool) {
	h, err := readHead(in)
	if err != nil {
		return head{}, "", false
	}
	data, err := readBody(in, h.size, nil)
	return h, string(data), err == nil
}

// largeBody is the body of a large call, longer than largeCall.
var largeBody = bytes.Repeat([]byte("large "), largeCall/6+1)

const (
	hostA, hostB = "10.0.0.1", "10.0.0.2"
	portB        = hostB + ":8081"
)

// pair is a client on one host and a server on another, in virtual time.
type pair struct {
	net    *memnet.Net
	client *Client
	server *Server
}

// inPair runs a test with a pair, in a bubble.
func inPair(t *testing.T, a answerer, fn func(t *testing.T, p pair)) {
	racetest.Bubble(t, func(t *testing.T) {
		n := memnet.New(memnet.Options{})
		p := pair{net: n, server: newServer(256, a), client: newClient(n.Host(hostA).DialContext)}
		l, err := n.Host(hostB).Listen(t.Context(), "tcp", portB)
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: serving(t, p.server)}
		var wg sync.WaitGroup
		wg.Go(func() { server.Serve(l) })
		defer func() {
			p.client.Close()
			n.HealAll()
			p.server.Shutdown(t.Context())
			server.Close()
			wg.Wait()
		}()
		fn(t, p)
	})
}

// within makes a call with a limit of time.
func (p pair) within(t *testing.T, limit time.Duration, body string) error {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	_, err := call(ctx, p.client, portB, kindPlain, body)
	return err
}

// raw returns a stream without a client.
func (p pair) raw(t *testing.T) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := p.net.Host(hostA).DialContext(t.Context(), "tcp", portB)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "POST /stream HTTP/1.1\r\nHost: b\r\nContent-Length: 0\r\n"+
		"Connection: Upgrade\r\nUpgrade: "+Protocol+"\r\n\r\n")
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the answer is %v, %v, want 101", res, err)
	}
	res.Body.Close()
	return conn, in
}

// sleeper returns an answerer that takes the time d for each call whose body begins with "slow".
func sleeper(d time.Duration) answerer {
	return func(_ context.Context, c *Call) string {
		if strings.HasPrefix(string(c.Body), "slow") {
			time.Sleep(d)
		}
		return string(c.Body)
	}
}
