package coalesce

import "time"

// A few writers that send one write after the other fall into two groups: one waits for its call, while the other one
// waits for this call to end. Each group has calls of its own, and so twice as many fsyncs as one group would have.
// Therefore the writers of a call that has ended get a short time to join the writes that wait.
const (
	gatherShare = 2                // the most time, in times of the last call
	gatherMost  = time.Millisecond // the most time
)

// queue is the waiting writes of a lane. Coalescer.mu guards it.
type queue[To any] struct {
	next   *combinedCall[To] // nil: no write waits
	wanted int               // the number of waiting writes that ends the wait of gather; 0: there is no such wait
	enough chan struct{}     // gets one value when wanted is reached
}

func newQueue[To any]() *queue[To] { return &queue[To]{enough: make(chan struct{}, 1)} }

// noteWrite ends the wait of gather if enough writes wait.
func (q *queue[To]) noteWrite() {
	if q.wanted > 0 && len(q.next.results) >= q.wanted {
		q.wanted = 0
		q.enough <- struct{}{}
	}
}

// queueAfter returns the queue of a lane whose call has ended. Without many batches in the call, the next call is to
// have the writers of this one and those that wait. A lone writer waits for nobody. The writers of the call have no
// answer yet, so that none of them can be missed.
func (c *Coalescer[To]) queueAfter(l lane, ended *combinedCall[To], many bool) *queue[To] {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.lanes[l]
	writers := len(ended.results)
	if q.next != nil {
		writers += len(q.next.results)
	}
	if writers > 1 && !many {
		q.wanted = writers
	}
	return q
}

// gather waits until the wanted writes wait, for a limited time after a call that took so long.
func (c *Coalescer[To]) gather(q *queue[To], took time.Duration) {
	c.mu.Lock()
	wanted := q.wanted > 0 || len(q.enough) > 0
	c.mu.Unlock()
	if !wanted {
		return
	}
	timer := time.NewTimer(min(gatherShare*took, gatherMost))
	defer timer.Stop()
	select {
	case <-q.enough:
		return
	case <-timer.C:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if q.wanted == 0 { // reached at the same moment
		<-q.enough
	}
	q.wanted = 0
}
