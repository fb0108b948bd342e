package load

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxIdle is how long a connection may have been idle and still be used: far below the time after which a node closes it, or a
// request would be lost to that now and then.
const maxIdle = 20 * time.Second

// wire is a transport for HTTP/1.1 in the goroutine of the caller. That of net/http hands each request to one goroutine that writes
// and its answer to one that reads, so that an answer may overtake a body; for a load generator these turns cost more than all
// else that a small post does. What it is not for, TLS and proxies, it leaves to another transport.
//
// A body is no longer read when RoundTrip has returned. An answer must be read to its end for its connection to be used again.
type wire struct {
	other http.RoundTripper
	size  int // of the buffer that requests are written through: a post should fit

	mu   sync.Mutex
	idle map[string][]*line // by address, the last used at the end
}

// line is a connection, in use by one request or idle.
type line struct {
	net.Conn
	host string
	in   *bufio.Reader
	out  *bufio.Writer
	used time.Time
}

func newWire(other http.RoundTripper, size int) *wire {
	return &wire{other: other, size: size, idle: map[string][]*line{}}
}

// RoundTrip makes one request. It is never repeated here: an attempt is an attempt.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if proxy, err := http.ProxyFromEnvironment(req); proxy != nil || err != nil || req.URL.Scheme != "http" {
		return w.other.RoundTrip(req)
	}
	if req.Body != nil {
		defer req.Body.Close()
	}
	ctx := req.Context()
	l, err := w.line(ctx, req.URL.Host)
	if err != nil {
		return nil, because(ctx, err)
	}
	release := context.AfterFunc(ctx, func() { _ = l.SetDeadline(time.Unix(1, 0)) }) // fails on a connection that is closed, which is as well
	resp, err := l.exchange(req)
	if err != nil {
		release()
		l.Close()
		return nil, because(ctx, err)
	}
	resp.Body = &wireBody{ReadCloser: resp.Body, wire: w, line: l, ctx: ctx, release: release, keep: !resp.Close}
	return resp, nil
}

// because returns the end of ctx in place of an error that follows from it.
func because(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	return err
}

// exchange writes the request and reads the head of the answer. A node may answer and hang up before it has read all: then the
// answer counts, not the error of writing.
func (l *line) exchange(req *http.Request) (*http.Response, error) {
	writing := req.Write(l.out)
	if writing == nil {
		writing = l.out.Flush()
	}
	resp, err := http.ReadResponse(l.in, req)
	for err == nil && resp.StatusCode < 200 {
		resp, err = http.ReadResponse(l.in, req)
	}
	switch {
	case err != nil && writing != nil:
		return nil, writing
	case err != nil:
		return nil, fmt.Errorf("read answer: %w", err)
	}
	resp.Close = resp.Close || writing != nil
	return resp, nil
}

// line returns an idle connection, or else a new one.
func (w *wire) line(ctx context.Context, host string) (*line, error) {
	if l := w.take(host); l != nil {
		return l, nil
	}
	address := host
	if _, _, err := net.SplitHostPort(host); err != nil {
		address = net.JoinHostPort(host, "80")
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &line{Conn: conn, host: host, in: bufio.NewReader(conn), out: bufio.NewWriterSize(conn, w.size)}, nil
}

func (w *wire) take(host string) *line {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := w.idle[host]
	if len(lines) == 0 {
		return nil
	}
	last := lines[len(lines)-1]
	w.idle[host] = lines[:len(lines)-1]
	if time.Since(last.used) < maxIdle {
		return last
	}
	for _, l := range lines { // the others are older
		l.Close()
	}
	w.idle[host] = nil
	return nil
}

func (w *wire) put(l *line) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l.used = time.Now()
	w.idle[l.host] = append(w.idle[l.host], l)
}

// CloseIdleConnections is what http.Client calls by this name.
func (w *wire) CloseIdleConnections() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if other, ok := w.other.(interface{ CloseIdleConnections() }); ok {
		other.CloseIdleConnections()
	}
	for host, lines := range w.idle {
		for _, l := range lines {
			l.Close()
		}
		delete(w.idle, host)
	}
}

// wireBody is the body of an answer. It gives its connection back when it has been read to its end, and closes it else.
type wireBody struct {
	io.ReadCloser
	wire    *wire
	line    *line // nil: given back or closed
	ctx     context.Context
	release func() bool
	keep    bool
}

func (b *wireBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == io.EOF:
		b.done(b.keep)
	case err != nil:
		err = because(b.ctx, err)
	}
	return n, err
}

// Close does not read what is left.
func (b *wireBody) Close() error {
	b.done(false)
	return nil
}

func (b *wireBody) done(keep bool) {
	if b.line == nil {
		return
	}
	if b.release() && keep {
		b.wire.put(b.line)
	} else {
		b.line.Close()
	}
	b.line = nil
}
