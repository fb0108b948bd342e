package stream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
)

// Patience of both sides with a stream without calls, in multiples of stallTimeout. The server has more of it: if it
// closed first, a call could be on its way.
const (
	clientPatience = 2
	serverPatience = 4
)

// clientStream is the client's side of one stream.
type clientStream struct {
	in            *frameReader
	out           outbox
	runDetached   func(fn func()) // runs a function in another goroutine
	freeCalls     *sync.Pool      // of *pendingCall
	writeDetached bool            // callers leave writes to another goroutine, because writes take long

	mu       sync.Mutex
	pending  map[uint64]*pendingCall
	lastCall uint64
	retired  bool // no call begins any more
}

// pendingCall is a call without an answer yet.
type pendingCall struct {
	id       uint64
	round    uint64        // number of the write that sends the call (outbox)
	arrivals uint64        // arrivals of the stream when the call began
	done     chan struct{} // receives once body or err is set
	body     []byte        // of the answer
	err      error
}

// noRound is the round of a call before an outbox holds it.
const noRound = math.MaxUint64

var (
	errRetired = errors.New("the stream takes no more calls")
	errSilent  = errors.New("nothing was heard of the peer while a call waited for its answer")
)

// call makes one call. It fails with errRetired if it did nothing.
func (s *clientStream) call(ctx context.Context, r Request) (*pendingCall, error) {
	c, ok := s.begin()
	if !ok {
		return nil, errRetired
	}
	mustWrite, err := s.out.put(ctx, headSize+r.Size, c.frame(r))
	if err != nil {
		s.abandon(c)
		return nil, &UnsentError{err}
	}
	if mustWrite {
		s.write()
	}
	return c, s.wait(ctx, c)
}

// callNow begins a call without waiting. It reports false if it did nothing.
func (s *clientStream) callNow(r Request) (*pendingCall, bool) {
	c, ok := s.begin()
	if !ok {
		return nil, false
	}
	mustWrite, ok := s.out.putNow(headSize+r.Size, c.frame(r))
	if !ok {
		s.abandon(c)
		return nil, false
	}
	if mustWrite {
		s.runDetached(s.out.drain)
	}
	return c, true
}

// frame returns the function that appends the frame of a call.
func (c *pendingCall) frame(r Request) func(dst []byte, round uint64) []byte {
	return func(dst []byte, round uint64) []byte {
		c.round = round
		return r.Append(appendHead(dst, head{r.Kind, c.id, r.Size}))
	}
}

func (s *clientStream) begin() (*pendingCall, bool) {
	c := s.freeCalls.Get().(*pendingCall)
	c.round, c.arrivals, c.err = noRound, s.in.arrivals.Load(), nil
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.retired {
		return nil, false
	}
	s.lastCall++
	c.id = s.lastCall
	s.pending[c.id] = c
	return c, true
}

// write writes once in the caller's goroutine. Another goroutine writes the frames of other callers that come
// meanwhile, because this caller waits only for its own answer.
func (s *clientStream) write() {
	if s.writeDetached || s.out.write() {
		s.runDetached(s.out.drain)
	}
}

// wait waits for the answer, or for the end of ctx.
func (s *clientStream) wait(ctx context.Context, c *pendingCall) error {
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return s.giveUp(c, ctx.Err())
	}
}

// giveUp ends the wait for the answer with an error. It returns nil if the answer came first.
func (s *clientStream) giveUp(c *pendingCall, err error) error {
	if !s.abandon(c) {
		return c.err
	}
	if errors.Is(err, context.DeadlineExceeded) && s.in.arrivals.Load() == c.arrivals {
		s.fail(errSilent) // TCP resends late after a long silence: a new connection works sooner
	}
	return err
}

// abandon gives a call up. It reports false if the answer, or the end of the stream, came first.
func (s *clientStream) abandon(c *pendingCall) bool {
	_, first := s.remove(c.id)
	if !first {
		<-c.done
	}
	return first
}

// remove removes a call from the pending ones. The last call of a retired stream closes the connection.
func (s *clientStream) remove(id uint64) (c *pendingCall, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok = s.pending[id]; ok {
		delete(s.pending, id)
		s.closeIfDone()
	}
	return c, ok
}

// closeIfDone closes the connection of a retired stream without calls. The caller holds s.mu.
func (s *clientStream) closeIfDone() {
	if s.retired && len(s.pending) == 0 {
		s.out.conn.Close()
	}
}

// retire makes the stream take no more calls. Pending calls still receive their answers.
func (s *clientStream) retire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retired = true
	s.closeIfDone()
}

// retireUnused retires a stream without calls after enough checks without an arrival. It reports whether it did.
func (s *clientStream) retireUnused(quietChecks int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if quietChecks < clientPatience || len(s.pending) > 0 {
		return false
	}
	s.retired = true
	return true
}

// fail ends the stream and all its calls.
func (s *clientStream) fail(err error) {
	s.mu.Lock()
	calls := s.pending
	s.pending, s.retired = nil, true
	s.mu.Unlock()
	unwritten := s.out.fail(err)
	s.out.conn.Close()
	for _, c := range calls {
		c.err = fmt.Errorf("the stream broke: %w", err)
		if c.round >= unwritten {
			c.err = &UnsentError{c.err}
		}
		c.done <- struct{}{}
	}
}

// read reads answers until the stream ends.
func (s *clientStream) read() error {
	if err := s.in.start(); err != nil {
		return err
	}
	var buf []byte
	for {
		h, err := s.in.next()
		switch {
		case err != nil:
			return err
		case h.kind == kindFarewell && h.size == 0:
			s.retire()
			continue
		case h.kind != kindAnswer || h.size > maxAnswer:
			return fmt.Errorf("%s instead of an answer", h)
		}
		if buf, err = s.in.body(h.size, buf); err != nil {
			return err
		}
		s.deliver(h.call, buf)
	}
}

func (s *clientStream) deliver(id uint64, body []byte) {
	if c, ok := s.remove(id); ok {
		c.body = append(c.body[:0], body...)
		c.done <- struct{}{}
	}
}
