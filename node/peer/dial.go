package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"flowring/internal/workers"
)

const (
	protocol    = "flowring-stream/2"
	dialTimeout = 3 * time.Second // longer waits would be for a packet that is sent again ever more seldom
	writeWait   = 2 * time.Second // how long a peer may take nothing of small calls, which callers write themselves
	largeCall   = 64 << 10        // bytes from which calls go by a stream of their own
)

// streams are those of a client: at most one for small calls and one for large ones to each peer.
type streams struct {
	client  *Client
	ctx     context.Context // ends with the client
	cancel  context.CancelFunc
	workers *workers.Workers
	wg      sync.WaitGroup // of the goroutines that dial and then read
	free    sync.Pool      // of *call

	mu     sync.Mutex
	closed bool
	to     map[way]*link
}

// way is where a stream leads.
type way struct {
	addr  string
	large bool
}

// link is a stream, or the attempt to make one.
type link struct {
	ready   chan struct{} // closed when stream or err is set
	stream  *stream
	err     error
	waiting int                // callers
	cancel  context.CancelFunc // ends the attempt
}

func (s *streams) init(c *Client) {
	s.client, s.to = c, map[way]*link{}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.workers = workers.New(s.ctx)
	s.free.New = func() any { return &call{done: make(chan struct{}, 1)} }
}

var errClosed = errors.New("the client is closed")

// ask makes one call. The stream is where it was made; the call goes back with release.
func (s *streams) ask(ctx context.Context, addr string, a *ask) (*stream, *call, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, &unsentError{err}
	}
	to := way{addr, a.size() > largeCall}
	for {
		l, err := s.join(to)
		if err != nil {
			return nil, nil, &unsentError{err}
		}
		if err := s.await(ctx, to, l); err != nil {
			return nil, nil, &unsentError{err}
		}
		c, err := l.stream.ask(ctx, a)
		if err != errOver {
			return l.stream, c, err
		}
		s.remove(to, l)
	}
}

func (s *streams) release(c *call) {
	if cap(c.rest) <= maxKept {
		s.free.Put(c)
	}
}

// join returns the link of a way, and begins it where there is none. await must follow.
func (s *streams) join(to way) (*link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	l := s.to[to]
	if l == nil {
		ctx, cancel := context.WithTimeout(s.ctx, dialTimeout)
		l = &link{ready: make(chan struct{}), cancel: cancel}
		s.to[to] = l
		s.wg.Go(func() { s.run(ctx, to, l) })
	}
	l.waiting++
	return l, nil
}

// await waits until a link is ready. An attempt that nobody waits for any more ends: the next caller begins another one.
func (s *streams) await(ctx context.Context, to way, l *link) error {
	select {
	case <-l.ready:
		return l.err
	default:
	}
	select {
	case <-l.ready:
		return l.err
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.waiting--; l.waiting == 0 && l.stream == nil {
		l.cancel()
		s.forget(to, l)
	}
	return ctx.Err()
}

func (s *streams) remove(to way, l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(to, l)
}

// forget takes a link out. The streams are locked.
func (s *streams) forget(to way, l *link) {
	if s.to[to] == l {
		delete(s.to, to)
	}
}

// run makes a stream and reads from it until it ends.
func (s *streams) run(ctx context.Context, to way, l *link) {
	defer l.cancel()
	defer s.remove(to, l)
	st, err := s.open(ctx, to)
	s.mu.Lock()
	if err == nil && s.closed {
		err = errClosed
		st.fail(err)
	}
	if l.stream, l.err = st, err; err != nil {
		s.forget(to, l)
	}
	s.mu.Unlock()
	close(l.ready)
	if err == nil {
		st.fail(st.read())
	}
}

// errNoStream says that the peer was heard, but speaks something else.
var errNoStream = errors.New("no stream")

// open dials a peer and asks for a stream, by a request like any other: one port is enough, and what guards it guards this.
func (s *streams) open(ctx context.Context, to way) (*stream, error) {
	conn, err := s.client.dial(ctx, "tcp", to.addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	st := &stream{background: s.background, free: &s.free, large: to.large, calls: map[uint64]*call{}}
	st.in = newWatch(conn, st.unused)
	st.out.conn, st.out.stall = conn, writeWait
	if to.large {
		st.out.stall = stallTimeout
	}
	err = s.upgrade(ctx, conn, st.in, to.addr)
	if !stop() {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return st, nil
}

func (s *streams) upgrade(ctx context.Context, conn net.Conn, in *watch, addr string) error {
	req, err := s.client.request(ctx, "POST", addr, "stream", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", protocol)
	if err := req.Write(conn); err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	res, err := http.ReadResponse(in.Reader, req)
	if err != nil {
		return fmt.Errorf("stream: %w", noEOF(err))
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSwitchingProtocols || res.Header.Get("Upgrade") != protocol {
		return fmt.Errorf("%w: %w", errNoStream, readError(res, addr, "stream"))
	}
	return nil
}

// background runs fn, unless the client is closed.
func (s *streams) background(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.workers.Run(fn)
	}
}

// close ends all streams, and waits until they have ended.
func (s *streams) close() {
	s.mu.Lock()
	s.closed = true
	s.cancel()
	for _, l := range s.to {
		if l.stream != nil {
			l.stream.fail(errClosed)
		}
	}
	s.mu.Unlock()
	s.wg.Wait()
	s.workers.Wait()
}
