package watch

import (
	"context"
	"sync"
	"time"

	"flowring/internal/contract"
	"flowring/router/ask"
)

// stream evaluates one query for its viewers.
type stream struct {
	hub     *Hub
	query   *ask.Query
	key     string
	viewers int // guarded by hub.mu

	cancel context.CancelFunc
	done   chan struct{} // closed at the end of run

	mu      sync.Mutex
	latest  *version      // nil before the first evaluation
	changed chan struct{} // closed when latest is replaced
}

func newStream(h *Hub, q *ask.Query, key string) *stream {
	ctx, cancel := context.WithCancel(context.Background())
	s := &stream{hub: h, query: q, key: key, cancel: cancel, done: make(chan struct{}), changed: make(chan struct{})}
	go s.run(ctx)
	return s
}

// stop ends the evaluations and waits for the end of the last one.
func (s *stream) stop() {
	s.cancel()
	<-s.done
}

// run evaluates the query until ctx ends.
func (s *stream) run(ctx context.Context) {
	defer close(s.done)
	ticker := time.NewTicker(s.hub.Every)
	defer ticker.Stop()
	for {
		s.hub.metrics.evaluations.Inc()
		if v := s.evaluate(ctx); v != nil && ctx.Err() == nil {
			s.publish(v)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// current returns the latest version, and a channel that is closed when there is a later one.
func (s *stream) current() (*version, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.latest, s.changed
}

func (s *stream) publish(v *version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latest = v
	close(s.changed)
	s.changed = make(chan struct{})
}

// evaluate returns the next version; nil if nothing has changed.
func (s *stream) evaluate(ctx context.Context) *version {
	before, _ := s.current()
	if before == nil {
		before = &version{}
	}
	after, err := s.next(ctx, before)
	switch {
	case err == nil:
		return after
	case before.err != nil && before.err.Error() == err.Error():
		return nil // the viewers know
	}
	return before.failed(err, s.hub.Problem)
}

// next is evaluate, apart from failures.
func (s *stream) next(ctx context.Context, before *version) (*version, error) {
	spec, err := s.query.Resolve(s.hub.Now())
	if err != nil {
		return nil, err
	}
	known := contract.Ask{Need: s.query.Need}
	if before.tag != "" {
		known.Known = []contract.Tag{before.tag}
	}
	answer, err := s.hub.Query(ctx, spec, known)
	if err != nil {
		return nil, err
	}
	defer answer.Close()
	after := &version{number: before.number + 1, tag: answer.Tag(), complete: answer.Complete(), from: answer.From(),
		erased: answer.Erased()}
	if known.Knows(after.tag) {
		if after.complete == before.complete && before.err == nil {
			return nil, nil
		}
		after.table = before.table
	} else if after.table, err = readTable(answer, spec, s.query.Numbers, s.hub.MaxRows); err != nil {
		return nil, err
	}
	after.change = after.encodeChange(before)
	return after, nil
}
