package router

import (
	"container/list"
	"context"
	"net/netip"
	"sync"
	"time"
)

// door lets POSTs in (P12): it bounds how many are in progress, the bytes of their bodies, and how many are worked on at once. Who must
// wait for the last waits before the body is read, when it costs nothing but the connection; who would exceed one of the first two is
// refused, for a queue of clients that hold half a body each would be what they guard against.
//
// It is fair between the addresses of clients. Those with somebody waiting take turns, and within one of them who came first is let in
// first: as a connection has one request at a time, that is fair between the connections of an address too. And of what is bounded
// nobody may have more than 4 times what is still free, so that one address, alone, leaves a fifth to those that come after it
// (Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet switches", 1998).
type door struct {
	maxPosts  int           // in progress, those that wait included
	maxBytes  int64         // of their bodies
	maxInside int           // posts that are let in, and neither done nor slow
	patience  time.Duration // how long one may wait
	full      func() bool   // no memory for more

	mu      sync.Mutex
	posts   int   // == sum of client.posts
	bytes   int64 // == sum of client.bytes
	inside  int
	waiting int                    // == sum of client.waiting.Len()
	clients map[netip.Addr]*client // those with posts > 0
	turns   list.List              // of *client, those with somebody waiting, whose turn it is first
	lately  lately
}

// client is an address that has posts in progress. All is guarded by door.mu.
type client struct {
	addr    netip.Addr
	posts   int
	bytes   int64
	waiting list.List     // of waiter
	turn    *list.Element // in door.turns; nil: nobody waits
}

// share is how many times what is free one client may have of what is bounded.
const share = 4

// visit is a post at the door. It serves one goroutine, but for step out.
type visit struct {
	door   *door
	client *client
	bytes  int64 // held by this goroutine alone
	inside bool  // guarded by door.mu
}

// enter counts a post, of a body announced as so many bytes (-1: not announced), or fails with an *overloadError. The caller closes
// the visit.
func (d *door) enter(addr netip.Addr, announced int64) (*visit, error) {
	full := d.full != nil && d.full()
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.clients[addr]
	if c == nil {
		c = &client{addr: addr}
	}
	switch {
	case full:
		return nil, d.refuse(limitMemory)
	case c.posts >= share*(d.maxPosts-d.posts):
		return nil, d.refuse(limitPosts)
	case !d.room(c, max(announced, minCharge)):
		return nil, d.refuse(limitBytes)
	}
	d.clients[addr] = c
	c.posts++
	d.posts++
	return &visit{door: d, client: c}, nil
}

// room reports whether the client may hold n bytes more. The caller holds mu.
func (d *door) room(c *client, n int64) bool {
	free := d.maxBytes - d.bytes
	return n <= free && c.bytes <= share*(free-n)
}

// close ends the visit.
func (v *visit) close() {
	v.leave()
	d, c := v.door, v.client
	d.mu.Lock()
	defer d.mu.Unlock()
	c.posts--
	d.posts--
	c.bytes -= v.bytes
	d.bytes -= v.bytes
	if c.posts == 0 {
		delete(d.clients, c.addr)
	}
}

// grow makes the bytes that the visit holds n more, or fails with an *overloadError.
func (v *visit) grow(n int64) error {
	d, c := v.door, v.client
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.room(c, n) {
		return d.refuse(limitBytes)
	}
	v.bytes += n
	c.bytes += n
	d.bytes += n
	return nil
}

// come waits until the visitor is let in. It fails with an *overloadError when that takes too long, or ctx ends.
func (v *visit) come(ctx context.Context) error {
	turn := v.queue()
	if turn == nil {
		return nil
	}
	timer := time.NewTimer(v.door.patience)
	defer timer.Stop()
	select {
	case <-turn:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	return v.give(turn)
}

// queue lets the visitor in at once and returns nil, or returns what is closed when it is the visitor's turn.
func (v *visit) queue() chan struct{} {
	d, c := v.door, v.client
	d.mu.Lock()
	defer d.mu.Unlock()
	if v.inside {
		return nil
	}
	if d.inside < d.maxInside {
		d.letIn(v)
		return nil
	}
	w := waiter{v, make(chan struct{})}
	if c.turn == nil {
		c.turn = d.turns.PushBack(c)
	}
	c.waiting.PushBack(w)
	d.waiting++
	return w.in
}

// waiter is a visit in the queue of its client.
type waiter struct {
	visit *visit
	in    chan struct{} // closed when it is let in
}

// letIn gives the visitor a place. The caller holds mu.
func (d *door) letIn(v *visit) {
	d.inside++
	d.lately.count(time.Now(), &d.lately.letIn)
	v.inside = true
}

// give gives up waiting, unless the visitor has been let in meanwhile.
func (v *visit) give(turn chan struct{}) error {
	d, c := v.door, v.client
	d.mu.Lock()
	defer d.mu.Unlock()
	if v.inside {
		return nil
	}
	for e := c.waiting.Front(); e != nil; e = e.Next() { // it is the first, mostly
		if e.Value.(waiter).in == turn {
			d.unqueue(c, e)
			break
		}
	}
	return d.refuse(limitWait)
}

// unqueue takes a waiter out of its client's queue. The caller holds mu.
func (d *door) unqueue(c *client, e *list.Element) waiter {
	d.waiting--
	w := c.waiting.Remove(e).(waiter)
	if c.waiting.Len() == 0 {
		d.turns.Remove(c.turn)
		c.turn = nil
	}
	return w
}

// leave gives the visitor's place to the next, if it has one.
func (v *visit) leave() {
	d := v.door
	d.mu.Lock()
	defer d.mu.Unlock()
	if !v.inside {
		return
	}
	v.inside = false
	d.inside--
	turn := d.turns.Front()
	if turn == nil {
		return
	}
	d.turns.MoveToBack(turn)
	c := turn.Value.(*client)
	next := d.unqueue(c, c.waiting.Front())
	d.letIn(next.visit)
	close(next.in)
}

// look returns the numbers of now, for metrics.
func (d *door) look() (posts, waiting int, bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.posts, d.waiting, d.bytes
}

// addressOf returns what stands for the client of a request: its address, of IPv6 the network, which is mostly one host's; the zero
// Addr where there is none, as in a pipe.
func addressOf(remote string) netip.Addr {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	addr := at.Addr().Unmap().WithZone("")
	if addr.Is6() {
		network, _ := addr.Prefix(64) // fails for lengths over 128 alone
		return network.Addr()
	}
	return addr
}
