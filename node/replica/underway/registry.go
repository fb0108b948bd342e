package underway

import (
	"sync"
	"time"

	"flowring/flow"
)

// Registry holds the requests under way at a node.
type Registry struct {
	linger time.Duration
	shards [64]shard
}

type shard struct {
	mu       sync.Mutex
	attempts map[flow.ID]int
	lingers  []lingering // the oldest one first
}

// lingering is an attempt with an unknown outcome, which counts until a time.
type lingering struct {
	request flow.ID
	until   time.Time
}

// New returns a Registry. An attempt with an unknown outcome counts for the given time longer.
func New(linger time.Duration) *Registry { return &Registry{linger: linger} }

func (r *Registry) shardOf(request flow.ID) *shard { return &r.shards[int(request[0])%len(r.shards)] }

// Begin begins an attempt. It does nothing for a request without a key, which no client repeats.
func (r *Registry) Begin(request flow.ID) {
	if request.IsZero() {
		return
	}
	s := r.shardOf(request)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attempts == nil {
		s.attempts = map[flow.ID]int{}
	}
	s.attempts[request]++
}

// End ends an attempt. unknown says that its outcome is not known.
func (r *Registry) End(request flow.ID, unknown bool) {
	if request.IsZero() {
		return
	}
	s := r.shardOf(request)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prune()
	if unknown {
		s.lingers = append(s.lingers, lingering{request, time.Now().Add(r.linger)})
		return
	}
	s.remove(request)
}

// Count returns the number of attempts under way.
func (r *Registry) Count(request flow.ID) int {
	s := r.shardOf(request)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prune()
	return s.attempts[request]
}

// prune removes the attempts with an unknown outcome whose time is over.
func (s *shard) prune() {
	for len(s.lingers) > 0 && time.Now().After(s.lingers[0].until) {
		s.remove(s.lingers[0].request)
		s.lingers = s.lingers[1:]
	}
}

func (s *shard) remove(request flow.ID) {
	if s.attempts[request]--; s.attempts[request] == 0 {
		delete(s.attempts, request)
	}
}
