package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

const (
	partingTime     = time.Second // time for a client to close its stream after the last call, when the server stops
	maxRefusedBytes = 512         // bytes of the body of a refused call, for the handler
)

// serverStream is the server's side of one stream.
type serverStream struct {
	server *Server
	in     *frameReader
	out    outbox
	ctx    context.Context // of the calls; ends with the stream
	ended  chan struct{}   // closed when the stream has ended

	mu       sync.Mutex
	calls    int           // under way
	stopping bool          // no call begins any more
	idle     chan struct{} // closed when the stream is stopping and no call is under way
}

// shutdown ends a stream in order: farewell, end of the calls, close by the client.
func (st *serverStream) shutdown(ctx context.Context) {
	defer st.close()
	defer context.AfterFunc(ctx, st.close)()
	st.stop()
	mustWrite, err := st.out.put(ctx, headSize, func(dst []byte, _ uint64) []byte {
		return appendHead(dst, head{kind: kindFarewell})
	})
	if err != nil {
		return
	}
	if mustWrite {
		st.out.drain()
	}
	select {
	case <-st.idle:
	case <-st.ended:
		return
	case <-ctx.Done():
		return
	}
	late := time.NewTimer(partingTime)
	defer late.Stop()
	select {
	case <-late.C:
	case <-st.ended:
	case <-ctx.Done():
	}
}

func (st *serverStream) close() { st.out.conn.Close() }

func (st *serverStream) stop() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.stopping = true
	if st.calls == 0 {
		close(st.idle)
	}
}

// beginCall counts a call, until endCall. It reports false if the server must refuse the call.
func (st *serverStream) beginCall() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.calls++
	return !st.stopping
}

func (st *serverStream) endCall() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.calls--
	if !st.stopping || st.calls > 0 {
		return
	}
	select {
	case <-st.idle: // closed before: this call was refused
	default:
		close(st.idle)
	}
}

// unused reports whether no call is under way, and nothing arrived for long.
func (st *serverStream) unused(quietChecks int) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return quietChecks >= serverPatience && st.calls == 0
}

// serve begins the calls of a stream until it ends.
func (st *serverStream) serve() error {
	for {
		h, err := st.in.next()
		if err != nil {
			return unexpectedEnd(err)
		}
		method := st.server.methods[h.kind]
		if method.Slots == nil || h.size > st.server.maxBody {
			return fmt.Errorf("%s instead of a call", h)
		}
		if err := st.begin(h, method); err != nil {
			return err
		}
	}
}

// unexpectedEnd returns nil if err is the regular end of a stream without calls, and err otherwise.
func unexpectedEnd(err error) error {
	if err == io.EOF || errors.Is(err, net.ErrClosed) || err == errUnused {
		return nil
	}
	return err
}

// begin begins a call, or refuses it. It reads the body of the frame.
func (st *serverStream) begin(h head, m Method) error {
	if !st.beginCall() {
		return st.refuse(h, ErrStopping)
	}
	if len(m.Slots) == cap(m.Slots) {
		return st.refuse(h, errNoSlot(m))
	}
	c := st.server.free.Get().(*Call)
	c.stream, c.id, c.Kind, c.method, c.mustWrite = st, h.call, h.kind, m, false
	if room, err := c.read(h.size); err != nil || !room {
		c.release()
		if err != nil {
			st.endCall()
			return err
		}
		return st.reject(h, nil, ErrNoRoom)
	}
	select { // after the body, so that a slow body holds no slot
	case m.Slots <- struct{}{}:
	default:
		c.release()
		return st.reject(h, c.Body[:min(len(c.Body), maxRefusedBytes)], errNoSlot(m))
	}
	st.server.workers.Run(c.run)
	return nil
}

func errNoSlot(m Method) error {
	return fmt.Errorf("%w: %d are under way", ErrTooManyCalls, cap(m.Slots))
}

// read reads the body. A body of more than maxKept bytes takes room from all large bodies as its bytes arrive; read
// skips the rest and reports false if there is none.
func (c *Call) read(size int) (room bool, err error) {
	in := c.stream.in
	if size <= maxKept {
		c.Body, err = in.body(size, c.buffer())
		return true, err
	}
	const step = 1 << 20
	c.Body = make([]byte, 0, step)
	for len(c.Body) < size {
		part := min(size-len(c.Body), step)
		if !c.server.room.TryAcquire(int64(part)) {
			return false, in.skip(size - len(c.Body))
		}
		c.reserved += int64(part)
		start := len(c.Body)
		c.Body = append(c.Body, make([]byte, part)...)
		if _, err := io.ReadFull(in, c.Body[start:]); err != nil {
			return true, unexpectedEOF(err)
		}
	}
	return true, nil
}

// release gives the room of the body back.
func (c *Call) release() {
	if c.reserved > 0 {
		c.server.room.Release(c.reserved)
		c.reserved = 0
	}
}

// refuse rejects a call without running it. It reads only the beginning of the body and skips the rest.
func (st *serverStream) refuse(h head, reason error) error {
	start, err := st.in.body(min(h.size, maxRefusedBytes), nil)
	if err == nil {
		err = st.in.skip(h.size - len(start))
	}
	if err != nil {
		st.endCall()
		return err
	}
	return st.reject(h, start, reason)
}

// reject answers a call, whose body was read or skipped, without running it. start is the beginning of the body.
func (st *serverStream) reject(h head, start []byte, reason error) error {
	c := Call{Kind: h.kind, Body: start, server: st.server, stream: st, id: h.call}
	st.server.handler.Refuse(&c, reason)
	if !c.mustWrite {
		st.endCall()
		return c.err
	}
	st.server.workers.Run(func() {
		defer st.endCall()
		st.out.drain()
	})
	return nil
}

// Call is one call at its server. The server reuses it, with its buffer.
type Call struct {
	Kind Kind
	Body []byte // valid until the handler returns, unless its Method keeps it

	server    *Server
	run       func() // serve
	stream    *serverStream
	id        uint64
	method    Method
	reserved  int64 // bytes of the room for large bodies
	mustWrite bool  // this call must write the outbox after its reply
	err       error // of the outbox
}

// Reply answers the call with a body of size bytes, which fill appends to dst.
func (c *Call) Reply(size int, fill func(dst []byte) (body []byte)) {
	c.mustWrite, c.err = c.stream.out.put(c.stream.ctx, headSize+size, func(dst []byte, _ uint64) []byte {
		return fill(appendHead(dst, head{kindAnswer, c.id, size}))
	})
}

// buffer returns the buffer for the body; nil: a new one.
func (c *Call) buffer() []byte {
	if c.method.KeepsBody || cap(c.Body) > maxKept {
		return nil
	}
	return c.Body[:0]
}

// serve runs the call. Reply fails if the stream has ended, which needs no action here.
func (c *Call) serve() {
	st := c.stream
	defer st.endCall()
	c.server.handler.Serve(st.ctx, c)
	<-c.method.Slots
	c.release()
	mustWrite := c.mustWrite
	if c.buffer() == nil {
		c.Body = nil
	}
	c.stream = nil
	c.server.free.Put(c)
	if mustWrite {
		st.out.drain()
	}
}
