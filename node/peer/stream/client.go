package stream

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
	// Protocol is the value of the Upgrade header for a stream.
	Protocol = "flowring-stream/2"

	// DialTimeout is longer than the first resends of TCP; later resends are too rare to wait for.
	DialTimeout = 3 * time.Second

	smallWriteTimeout = 2 * time.Second // time for a peer to take small calls, which callers write themselves
	largeCall         = 64 << 10        // bytes; larger calls have a stream of their own
)

// ErrRejected is in the chain of the error of a call whose peer answered the request for a stream with another status
// than 101.
var ErrRejected = errors.New("no stream")

var errClosed = errors.New("the client is closed")

// UnsentError marks a call as not sent to the peer.
type UnsentError struct{ Err error }

// Error returns the text of the cause.
func (e *UnsentError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UnsentError) Unwrap() error { return e.Err }

// ClientDeps are the collaborators of a client.
type ClientDeps struct {
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Request returns the HTTP request for a stream. The client adds the headers of the upgrade.
	Request func(ctx context.Context, addr string) (*http.Request, error)
	// Rejection returns the error for another answer than 101.
	Rejection func(res *http.Response, addr string) error
}

// Client makes calls. It is safe for concurrent use.
type Client struct {
	deps      ClientDeps
	ctx       context.Context // ends with the client
	cancel    context.CancelFunc
	workers   *workers.Workers
	wg        sync.WaitGroup // of the goroutines in run
	freeCalls sync.Pool      // of *pendingCall

	mu     sync.Mutex
	closed bool
	routes map[route]*dialing
}

// route is the destination of a stream.
type route struct {
	addr    string
	large   bool
	version int
}

// dialing is the attempt to make a stream, and later the stream.
type dialing struct {
	ready   chan struct{} // closed when stream or err is set
	stream  *clientStream
	err     error
	waiting int                // callers
	cancel  context.CancelFunc // ends the attempt
}

// NewClient returns a client without streams.
func NewClient(deps ClientDeps) *Client {
	c := &Client{deps: deps, routes: map[route]*dialing{}}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.workers = workers.New(c.ctx)
	c.freeCalls.New = func() any { return &pendingCall{done: make(chan struct{}, 1)} }
	return c
}

// Request is a call to send.
type Request struct {
	Kind   Kind
	Size   int                            // of the body, in bytes
	Append func(dst []byte) (body []byte) // appends the body, of exactly Size bytes, to dst

	// Version of the formats of the body. Each version has streams of its own, because a peer accepts or refuses the
	// version when a stream begins.
	Version int
}

// Answer is the answer to a call. The caller gives it back with Release.
type Answer struct {
	Body []byte // valid until Release

	client *Client
	call   *pendingCall
}

// Release gives the answer's buffer back to the client.
func (a Answer) Release() {
	if cap(a.call.body) <= maxKept {
		a.client.freeCalls.Put(a.call)
	}
}

// Call makes one call and waits for its answer, or for the end of ctx. The server continues a call after ctx has
// ended. The call had no effect if the error has an UnsentError in its chain.
func (c *Client) Call(ctx context.Context, addr string, r Request) (Answer, error) {
	if err := ctx.Err(); err != nil {
		return Answer{}, &UnsentError{err}
	}
	to := route{addr, r.Size > largeCall, r.Version}
	for {
		d, err := c.dial(to)
		if err != nil {
			return Answer{}, &UnsentError{err}
		}
		if err := c.await(ctx, to, d); err != nil {
			return Answer{}, &UnsentError{err}
		}
		call, err := d.stream.call(ctx, r)
		if err == nil {
			return Answer{call.body, c, call}, nil
		}
		if err != errRetired {
			return Answer{}, err
		}
		c.remove(to, d)
	}
}

// Pending is a call under way. Its caller receives from Arrived and calls Answer, or calls GiveUp.
type Pending struct {
	client *Client
	stream *clientStream
	call   *pendingCall
}

// Begin is Call without the wait for the answer. It reports false, and does nothing, if the call would have to wait
// for a stream or for room, or is large. A call that begins is written by another goroutine.
func (c *Client) Begin(addr string, r Request) (p Pending, ok bool) {
	to := route{addr, r.Size > largeCall, r.Version}
	c.mu.Lock()
	d := c.routes[to]
	ready := d != nil && d.stream != nil && !c.closed
	c.mu.Unlock()
	if !ready || to.large {
		return Pending{}, false
	}
	call, ok := d.stream.callNow(r)
	return Pending{c, d.stream, call}, ok
}

// Arrived receives once when the answer, or the end of the stream, has come.
func (p Pending) Arrived() <-chan struct{} { return p.call.done }

// Answer returns the result of the call, after Arrived.
func (p Pending) Answer() (Answer, error) { return p.result(p.call.err) }

// GiveUp ends the wait for the answer with the error of a context. If the answer came first, it returns the answer.
func (p Pending) GiveUp(err error) (Answer, error) { return p.result(p.stream.giveUp(p.call, err)) }

func (p Pending) result(err error) (Answer, error) {
	if err != nil {
		return Answer{}, err
	}
	return Answer{p.call.body, p.client, p.call}, nil
}

// dial returns the dialing of a route, and starts it if there is none. The caller calls await next.
func (c *Client) dial(to route) (*dialing, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosed
	}
	d := c.routes[to]
	if d == nil {
		ctx, cancel := context.WithTimeout(c.ctx, DialTimeout)
		d = &dialing{ready: make(chan struct{}), cancel: cancel}
		c.routes[to] = d
		c.wg.Go(func() { c.run(ctx, to, d) })
	}
	d.waiting++
	return d, nil
}

// await waits until a dialing is ready. If no caller waits any more, the attempt ends, and the next caller starts
// another one.
func (c *Client) await(ctx context.Context, to route, d *dialing) error {
	select {
	case <-d.ready:
		return d.err
	default:
	}
	select {
	case <-d.ready:
		return d.err
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if d.waiting--; d.waiting == 0 && d.stream == nil {
		d.cancel()
		c.removeLocked(to, d)
	}
	return ctx.Err()
}

func (c *Client) remove(to route, d *dialing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.removeLocked(to, d)
}

// removeLocked removes a dialing, unless its route has another one by now. The caller holds c.mu.
func (c *Client) removeLocked(to route, d *dialing) {
	if c.routes[to] == d {
		delete(c.routes, to)
	}
}

// run makes a stream and reads from it until it ends.
func (c *Client) run(ctx context.Context, to route, d *dialing) {
	defer d.cancel()
	defer c.remove(to, d)
	s, err := c.open(ctx, to)
	c.mu.Lock()
	if err == nil && c.closed {
		err = errClosed
		s.fail(err)
	}
	if d.stream, d.err = s, err; err != nil {
		c.removeLocked(to, d)
	}
	c.mu.Unlock()
	close(d.ready)
	if err == nil {
		s.fail(s.read())
	}
}

// open dials a peer and requests a stream. The request is plain HTTP, because then one port serves streams and HTTP
// calls alike.
func (c *Client) open(ctx context.Context, to route) (*clientStream, error) {
	conn, err := c.deps.Dial(ctx, "tcp", to.addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	s := &clientStream{
		runDetached: c.runDetached, freeCalls: &c.freeCalls, writeDetached: to.large,
		pending: map[uint64]*pendingCall{},
	}
	s.in = newFrameReader(conn, s.retireUnused)
	s.out.conn, s.out.stall = conn, smallWriteTimeout
	if to.large {
		s.out.stall = stallTimeout
	}
	err = c.upgrade(ctx, conn, s.in, to.addr)
	if !stop() {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

func (c *Client) upgrade(ctx context.Context, conn net.Conn, in *frameReader, addr string) error {
	req, err := c.deps.Request(ctx, addr)
	if err != nil {
		return err
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", Protocol)
	if err := req.Write(conn); err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	res, err := http.ReadResponse(in.Reader, req)
	if err != nil {
		return fmt.Errorf("stream: %w", unexpectedEOF(err))
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSwitchingProtocols || res.Header.Get("Upgrade") != Protocol {
		return fmt.Errorf("%w: %w", ErrRejected, c.deps.Rejection(res, addr))
	}
	return nil
}

// Renew makes the next call of each route open a new stream. The calls under way end on the former streams.
func (c *Client) Renew() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range c.routes {
		if d.stream != nil {
			d.stream.retire()
		}
	}
}

// runDetached runs fn in another goroutine, unless the client is closed.
func (c *Client) runDetached(fn func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.workers.Run(fn)
	}
}

// Close ends all streams and their calls, and waits until they have ended.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	c.cancel()
	for _, d := range c.routes {
		if d.stream != nil {
			d.stream.fail(errClosed)
		}
	}
	c.mu.Unlock()
	c.wg.Wait()
	c.workers.Wait()
}
