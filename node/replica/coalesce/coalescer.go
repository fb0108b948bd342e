package coalesce

import (
	"slices"
	"sync"
	"time"

	"flowring/flow"
	"flowring/internal/trace"
	"flowring/ring/roster"
)

// maxBytes and Coalescer.maxBatches limit one combined call. Batches beyond them go in a second call that starts
// immediately.
const maxBytes = 256 << 10

// On a fast disk, many writers would cause an fsync for each 16 writes, which is a tenth of the cost of small writes,
// and would not be answered sooner. On a slow disk a call takes longer than minSpacing anyway.
const (
	busyBatches = 16                   // batches in a call: a sign of many writers
	minSpacing  = 2 * time.Millisecond // from the start of such a call to the start of the next one
)

// Coalescer sends writes to stores, in combined calls. To is a store with its address, as Apply needs it.
type Coalescer[To any] struct {
	maxBatches int
	run        func(fn func()) error // runs fn in another goroutine, or fails and does not run it
	apply      func(to To, w Writes) (roster.Store, error)

	mu    sync.Mutex
	lanes map[lane]*queue[To] // with a call under way, or with writes to gather
}

// New returns a Coalescer whose calls have at most maxBatches batches. It calls apply by run, in another goroutine. An
// error of run is the result of the writes.
func New[To any](
	maxBatches int, run func(fn func()) error, apply func(to To, w Writes) (roster.Store, error),
) *Coalescer[To] {
	return &Coalescer[To]{maxBatches: maxBatches, run: run, apply: apply, lanes: map[lane]*queue[To]{}}
}

// lane identifies the writes that may share a call. Their batches are of the first and the last hour.
type lane struct {
	store       roster.StoreID
	first, last flow.Hour
}

// laneOf returns the lane of batches. It reports false for batches of more than two hours, which share no call.
func laneOf(id roster.StoreID, batches []flow.Written) (lane, bool) {
	l := lane{id, batches[0].Slice.Hour, batches[0].Slice.Hour}
	for _, b := range batches {
		l.first, l.last = min(l.first, b.Slice.Hour), max(l.last, b.Slice.Hour)
	}
	between := func(b flow.Written) bool { return b.Slice.Hour != l.first && b.Slice.Hour != l.last }
	return l, !slices.ContainsFunc(batches, between)
}

// Writes are the batches of one write, or of several in one call, and the requests that they belong to.
type Writes struct {
	Batches  []flow.Written
	Requests trace.IDs
}

// Result receives the answer of a store, or the error of the call. It must not block.
type Result func(from roster.Store, err error)

// combinedCall is the batches of several writes to one store.
type combinedCall[To any] struct {
	to      To
	writes  Writes
	bytes   int
	results []Result
}

func newCall[To any](to To, w Writes, done Result) *combinedCall[To] {
	c := &combinedCall[To]{to: to}
	c.add(w, done)
	return c
}

func (c *combinedCall[To]) add(w Writes, done Result) {
	c.writes.Batches = append(c.writes.Batches, w.Batches...)
	c.writes.Requests = c.writes.Requests.Add(w.Requests)
	c.bytes += sizeOf(w.Batches)
	c.results = append(c.results, done)
}

func (c *Coalescer[To]) fits(call *combinedCall[To], batches []flow.Written) bool {
	return len(call.writes.Batches)+len(batches) <= c.maxBatches && call.bytes+sizeOf(batches) <= maxBytes
}

func sizeOf(batches []flow.Written) int {
	n := 0
	for _, b := range batches {
		n += len(b.Bytes)
	}
	return n
}

func (c *combinedCall[To]) finish(from roster.Store, err error) {
	for _, done := range c.results {
		done(from, err)
	}
}

// Send sends a write to the store with the given ID, and does not wait for the answer. It calls done once, with the
// result. done must not block.
func (c *Coalescer[To]) Send(id roster.StoreID, to To, w Writes, done Result) {
	l, shared := laneOf(id, w.Batches)
	if !shared {
		c.start(newCall(to, w, done))
		return
	}
	c.mu.Lock()
	q, busy := c.lanes[l]
	switch {
	case !busy:
		c.lanes[l] = newQueue[To]()
		c.mu.Unlock()
		c.startLane(l, newCall(to, w, done))
		return
	case q.next != nil && !c.fits(q.next, w.Batches):
		full := q.next
		q.next = newCall(to, w, done)
		c.mu.Unlock()
		c.start(full)
		return
	case q.next == nil:
		q.next = newCall(to, w, done)
	default:
		q.next.add(w, done)
	}
	q.noteWrite()
	c.mu.Unlock()
}

// start makes one call beside the lanes.
func (c *Coalescer[To]) start(call *combinedCall[To]) {
	if err := c.run(func() { call.finish(c.apply(call.to, call.writes)) }); err != nil {
		call.finish(roster.Store{}, err)
	}
}

// startLane makes a call, and further ones while writes arrive for the lane.
func (c *Coalescer[To]) startLane(l lane, call *combinedCall[To]) {
	if err := c.run(func() { c.runLane(l, call) }); err != nil {
		c.failLane(l, call, err)
	}
}

func (c *Coalescer[To]) runLane(l lane, call *combinedCall[To]) {
	for call != nil {
		begun := time.Now()
		from, err := c.apply(call.to, call.writes)
		if err != nil {
			c.failLane(l, call, err)
			return
		}
		took := time.Since(begun)
		many := len(call.writes.Batches) >= busyBatches
		q := c.queueAfter(l, call, many)
		call.finish(from, nil)
		if many {
			time.Sleep(minSpacing - took)
		} else {
			c.gather(q, took)
		}
		call = c.take(l)
	}
}

// failLane finishes a call and the calls queued behind it with an error.
func (c *Coalescer[To]) failLane(l lane, call *combinedCall[To], err error) {
	for ; call != nil; call = c.take(l) {
		call.finish(roster.Store{}, err)
	}
}

// take removes the next call of a lane. If there is none, the lane has no call under way any more.
func (c *Coalescer[To]) take(l lane) *combinedCall[To] {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.lanes[l]
	call := q.next
	if q.next = nil; call == nil {
		delete(c.lanes, l)
	}
	return call
}
