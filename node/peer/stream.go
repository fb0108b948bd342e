package peer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"flowring/ring"
)

// stream is a connection to a peer that carries many calls at once, as its client has it.
type stream struct {
	in         *watch
	out        outbox
	background func(fn func()) // runs what writes in no caller's time
	free       *sync.Pool      // of *call
	large      bool            // callers do not write themselves: it may take long

	mu    sync.Mutex
	calls map[uint64]*call // under way
	last  uint64           // call
	over  bool             // no call is begun any more
	said  introduction
}

// introduction is the last one that was read: mostly the next one is the same.
type introduction struct {
	text  string
	store ring.Store
}

// call is one call under way.
type call struct {
	id    uint64
	round uint64        // write that took it, see outbox
	heard uint64        // what had been heard of the peer when it began
	done  chan struct{} // receives once rest or err is set
	rest  []byte        // of the answer
	err   error
}

// notSent is the round of a call that is in no outbox yet.
const notSent = math.MaxUint64

var (
	errOver   = errors.New("the stream takes no more calls")
	errSilent = errors.New("nothing was heard of the peer while a call waited for its answer")
)

// ask makes one call. Its result goes back to the pool. It fails with errOver before anything was done.
func (s *stream) ask(ctx context.Context, a *ask) (*call, error) {
	c, ok := s.begin()
	if !ok {
		return nil, errOver
	}
	mine, err := s.out.put(ctx, frameStart+a.size(), func(dst []byte, round uint64) []byte {
		c.round = round
		return a.append(dst, c.id)
	})
	if err != nil {
		s.drop(c)
		return nil, &unsentError{err}
	}
	if mine {
		s.write()
	}
	return c, s.wait(ctx, c)
}

func (s *stream) begin() (*call, bool) {
	c := s.free.Get().(*call)
	c.round, c.heard, c.err = notSent, s.in.heard.Load(), nil
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return nil, false
	}
	s.last++
	c.id = s.last
	s.calls[c.id] = c
	return c, true
}

// write writes in the caller's time, once: what others put in meanwhile is not for it to wait for, nor is a large stream.
func (s *stream) write() {
	if s.large || s.out.write() {
		s.background(s.out.drain)
	}
}

// wait waits for the answer, or the end of ctx.
func (s *stream) wait(ctx context.Context, c *call) error {
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
	}
	if !s.drop(c) {
		return c.err
	}
	err := ctx.Err()
	if errors.Is(err, context.DeadlineExceeded) && s.in.heard.Load() == c.heard {
		s.fail(errSilent) // what is sent again after a long silence comes late: better by a new connection
	}
	return err
}

// drop gives a call up. It reports false where its answer was faster, or the end of the stream.
func (s *stream) drop(c *call) bool {
	_, first := s.take(c.id)
	if !first {
		<-c.done
	}
	return first
}

// take takes a call out of those under way. The last one of a stream that is over closes it.
func (s *stream) take(id uint64) (c *call, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok = s.calls[id]; ok {
		delete(s.calls, id)
		s.closeIfDone()
	}
	return c, ok
}

// closeIfDone closes the connection once there is nothing to come. The stream is locked.
func (s *stream) closeIfDone() {
	if s.over && len(s.calls) == 0 {
		s.out.conn.Close()
	}
}

// retire begins no more calls; those under way are waited for.
func (s *stream) retire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.closeIfDone()
}

// unused retires a stream that carries no call, and none for long.
func (s *stream) unused(times int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if times < clientPatience || len(s.calls) > 0 {
		return false
	}
	s.over = true
	return true
}

// How many times stallTimeout a stream without a call is kept. The server has more patience: were it to close first, a call could be on
// its way.
const (
	clientPatience = 2
	serverPatience = 4
)

// fail ends the stream and all calls under way.
func (s *stream) fail(err error) {
	s.mu.Lock()
	calls := s.calls
	s.calls, s.over = nil, true
	s.mu.Unlock()
	unwritten := s.out.fail(err)
	s.out.conn.Close()
	for _, c := range calls {
		c.err = fmt.Errorf("the stream broke: %w", err)
		if c.round >= unwritten {
			c.err = &unsentError{c.err}
		}
		c.done <- struct{}{}
	}
}

// read reads answers until the stream ends.
func (s *stream) read() error {
	if err := s.in.begin(); err != nil {
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
			return fmt.Errorf("%s of %d bytes instead of an answer", h.kind, h.size)
		}
		if buf, err = s.in.rest(h, buf); err != nil {
			return err
		}
		s.deliver(h.call, buf)
	}
}

func (s *stream) deliver(id uint64, rest []byte) {
	if c, ok := s.take(id); ok {
		c.rest = append(c.rest[:0], rest...)
		c.done <- struct{}{}
	}
}

// storeOf returns the store that introduces itself.
func (s *stream) storeOf(text []byte) (ring.Store, error) {
	s.mu.Lock()
	said := s.said
	s.mu.Unlock()
	if said.text == string(text) && said.text != "" {
		return said.store, nil
	}
	st, err := parseStore(string(text))
	if err == nil {
		s.mu.Lock()
		s.said = introduction{string(text), st}
		s.mu.Unlock()
	}
	return st, err
}
