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

// answers are what became of a load.
type answers struct {
	took    []time.Duration // by each request until it had its 200, ascending
	next    atomic.Int64    // the request to be sent next
	refused atomic.Int64    // 503s, each of which was sent again
}

// run sends the requests, one at least, the connections spread over the addresses. What is answered 503 is sent again with its key, as
// any agent does: where a disk is shared, an fsync may take longer than a node waits. Another answer than that or a 200 is an error.
func (l load) run(ctx context.Context, addrs []string) (*answers, error) {
	g, ctx := errgroup.WithContext(ctx)
	a := &answers{took: make([]time.Duration, l.requests)}
	for c := range l.connections {
		g.Go(func() error { return l.connection(ctx, addrs[c%len(addrs)], a) })
	}
	err := g.Wait()
	slices.Sort(a.took)
	return a, err
}

func (l load) connection(ctx context.Context, addr string, a *answers) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	from := bufio.NewReaderSize(conn, 64<<10)
	for {
		n := int(a.next.Add(1)) - 1
		if n >= l.requests {
			return nil
		}
		head, body := l.request(n)
		begun := time.Now()
		err := exchange(conn, from, head, body)
		for tries := 1; tries < maxTries && errors.Is(err, errRefused); tries++ {
			a.refused.Add(1)
			err = exchange(conn, from, head, body)
		}
		if err != nil {
			return fmt.Errorf("request %d: %w", n, errors.Join(err, ctx.Err()))
		}
		a.took[n] = time.Since(begun)
	}
}

// maxTries is how often a request is sent at most. There is no pause between: a node that waits for its disk has taken seconds to say so.
const maxTries = 5

var errRefused = errors.New("refused")

// exchange sends a request as it is and reads its answer. The error of a 503 wraps errRefused.
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
	if res.StatusCode == http.StatusOK {
		_, err = io.Copy(io.Discard, res.Body)
		return err
	}
	text, err := io.ReadAll(res.Body) // all of it, for the next answer comes after it
	switch {
	case err != nil:
		return err
	case res.StatusCode == http.StatusServiceUnavailable:
		return fmt.Errorf("%w: %.300s", errRefused, text)
	}
	return fmt.Errorf("%s: %.300s", res.Status, text)
}

// post returns requests that post bodies, each with a key of its own that begins with name.
func post(name string, body func(n int) []byte) func(n int) (head, body []byte) {
	return func(n int) ([]byte, []byte) {
		b := body(n)
		const head = "POST /flows HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
			"Idempotency-Key: bench-%s-%08d\r\nContent-Length: %d\r\n\r\n"
		return fmt.Appendf(nil, head, name, n, len(b)), b
	}
}
