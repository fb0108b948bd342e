package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// load is a number of requests over connections that are kept, each of which sends the next request when the last one is answered.
type load struct {
	connections int
	requests    int
	request     func(n int) (head, body []byte) // request n, whole; called by many goroutines
}

// run sends the requests, one at least, the connections spread over the addresses, and returns how long each took, ascending. Any answer but a
// 200 is an error.
func (l load) run(ctx context.Context, addrs []string) ([]time.Duration, error) {
	g, ctx := errgroup.WithContext(ctx)
	took := make([]time.Duration, l.requests)
	var next atomic.Int64
	for c := range l.connections {
		g.Go(func() error { return l.connection(ctx, addrs[c%len(addrs)], &next, took) })
	}
	err := g.Wait()
	slices.Sort(took)
	return took, err
}

func (l load) connection(ctx context.Context, addr string, next *atomic.Int64, took []time.Duration) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	from := bufio.NewReaderSize(conn, 64<<10)
	for {
		n := int(next.Add(1)) - 1
		if n >= l.requests {
			return nil
		}
		head, body := l.request(n)
		begun := time.Now()
		if err := exchange(conn, from, head, body); err != nil {
			return fmt.Errorf("request %d: %w", n, errors.Join(err, ctx.Err()))
		}
		took[n] = time.Since(begun)
	}
}

// exchange sends a request as it is and reads its answer.
func exchange(to io.Writer, from *bufio.Reader, head, body []byte) error {
	buffers := net.Buffers{head, body}
	if _, err := buffers.WriteTo(to); err != nil {
		return err
	}
	res, err := http.ReadResponse(from, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 300))
		return fmt.Errorf("%s: %s", res.Status, text)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// post returns requests that post bodies, each with a key of its own that begins with name.
func post(name string, body func(n int) []byte) func(n int) (head, body []byte) {
	return func(n int) ([]byte, []byte) {
		b := body(n)
		const head = "POST /flows HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n" +
			"Idempotency-Key: bench-%s-%08d\r\nContent-Length: %d\r\n\r\n"
		return fmt.Appendf(nil, head, name, n, len(b)), b
	}
}
