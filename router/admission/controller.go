package admission

import (
	"container/list"
	"context"
	"net/netip"
	"sync"
	"time"
)

// Config holds the limits of a Controller.
type Config struct {
	MaxPosts   int           // POSTs in progress, including the waiting ones
	MaxBytes   int64         // of the bodies of all POSTs in progress
	MaxActive  int           // POSTs after their grant, until Release or Close
	MaxWait    time.Duration // for a POST to be granted
	MemoryFull func() bool   // reports whether the process has no memory for more POSTs; nil: never
}

// MinCharge is the least charge for a body, in bytes: for its buffer, and the request around it.
const MinCharge = 64 << 10

// maxShare is the greatest ratio of the amount used by one client to the free amount. The rule is from
// Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet switches", 1998.
const maxShare = 4

// Controller admits POSTs within the limits of its Config. It is fair between clients: clients with a waiting POST
// take turns, and no client has more than maxShare times the free amount. A connection has one request at a time, so
// the order within a client is fair between its connections too.
type Controller struct {
	cfg Config

	mu      sync.Mutex
	posts   int   // == sum of client.posts
	bytes   int64 // == sum of client.bytes
	active  int
	waiting int                    // == sum of client.waiting.Len()
	clients map[netip.Addr]*client // with posts > 0
	turns   list.List              // of *client with a waiting POST, in the order of their turns
	recent  recentLoad
}

// New returns a Controller.
func New(cfg Config) *Controller {
	return &Controller{cfg: cfg, clients: map[netip.Addr]*client{}}
}

// client is an address with POSTs in progress. Controller.mu guards all of it.
type client struct {
	addr    netip.Addr
	posts   int
	bytes   int64
	waiting list.List     // of waiter
	turn    *list.Element // in Controller.turns; nil: no POST waits
}

// Quota has a limit of its own on the bytes of a POST. It may fail with an *OverloadError.
type Quota interface{ Reserve(n int64) error }

// Ticket is a POST in progress.
type Ticket struct {
	Quota      Quota // nil: none
	controller *Controller
	client     *client
	bytes      int64 // only the goroutine of the POST uses it
	active     bool  // guarded by Controller.mu
}

// Enter counts a POST whose Content-Length is announced (-1: unknown). It fails with an *OverloadError. The caller
// closes the ticket.
func (c *Controller) Enter(addr netip.Addr, announced int64) (*Ticket, error) {
	full := c.cfg.MemoryFull != nil && c.cfg.MemoryFull()
	c.mu.Lock()
	defer c.mu.Unlock()
	from := c.clients[addr]
	if from == nil {
		from = &client{addr: addr}
	}
	switch {
	case full:
		return nil, c.refuse(LimitMemory)
	case from.posts >= maxShare*(c.cfg.MaxPosts-c.posts):
		return nil, c.refuse(LimitPosts)
	case !c.fits(from, max(announced, MinCharge)):
		return nil, c.refuse(LimitBytes)
	}
	c.clients[addr] = from
	from.posts++
	c.posts++
	return &Ticket{controller: c, client: from}, nil
}

// fits reports whether a client may have n more bytes. The caller holds mu.
func (c *Controller) fits(from *client, n int64) bool {
	free := c.cfg.MaxBytes - c.bytes
	return n <= free && from.bytes <= maxShare*(free-n)
}

// Close ends the POST.
func (t *Ticket) Close() {
	t.Release()
	c, from := t.controller, t.client
	c.mu.Lock()
	defer c.mu.Unlock()
	from.posts--
	c.posts--
	from.bytes -= t.bytes
	c.bytes -= t.bytes
	if from.posts == 0 {
		delete(c.clients, from.addr)
	}
}

// Reserve adds n bytes to the bytes of the POST. It fails with an *OverloadError.
func (t *Ticket) Reserve(n int64) error {
	if t.Quota != nil {
		if err := t.Quota.Reserve(n); err != nil {
			return err
		}
	}
	c, from := t.controller, t.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.fits(from, n) {
		return c.refuse(LimitBytes)
	}
	t.bytes += n
	from.bytes += n
	c.bytes += n
	return nil
}

// Wait returns when the POST is active. It fails with an *OverloadError after MaxWait, or when ctx ends.
func (t *Ticket) Wait(ctx context.Context) error {
	granted := t.enqueue()
	if granted == nil {
		return nil
	}
	timer := time.NewTimer(t.controller.cfg.MaxWait)
	defer timer.Stop()
	select {
	case <-granted:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	return t.giveUp(granted)
}

// enqueue makes the POST active and returns nil, or returns a channel, which is closed when the POST becomes active.
func (t *Ticket) enqueue() chan struct{} {
	c, from := t.controller, t.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.active {
		return nil
	}
	if c.active < c.cfg.MaxActive {
		c.grant(t)
		return nil
	}
	w := waiter{t, make(chan struct{})}
	if from.turn == nil {
		from.turn = c.turns.PushBack(from)
	}
	from.waiting.PushBack(w)
	c.waiting++
	return w.granted
}

// waiter is a ticket in the queue of its client.
type waiter struct {
	ticket  *Ticket
	granted chan struct{} // closed when the ticket becomes active
}

// grant makes a POST active. The caller holds mu.
func (c *Controller) grant(t *Ticket) {
	c.active++
	c.recent.count(time.Now(), &c.recent.granted)
	t.active = true
}

// giveUp ends the wait with a refusal, unless the POST has become active meanwhile.
func (t *Ticket) giveUp(granted chan struct{}) error {
	c, from := t.controller, t.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.active {
		return nil
	}
	for e := from.waiting.Front(); e != nil; e = e.Next() { // mostly the first one is it
		if e.Value.(waiter).granted == granted {
			c.dequeue(from, e)
			break
		}
	}
	return c.refuse(LimitWait)
}

// dequeue removes a waiter from the queue of its client. The caller holds mu.
func (c *Controller) dequeue(from *client, e *list.Element) waiter {
	c.waiting--
	w := from.waiting.Remove(e).(waiter)
	if from.waiting.Len() == 0 {
		c.turns.Remove(from.turn)
		from.turn = nil
	}
	return w
}

// Release makes an active POST inactive, and the next waiting POST active. A released POST may Wait again. Release of
// an inactive POST does nothing.
func (t *Ticket) Release() {
	c := t.controller
	c.mu.Lock()
	defer c.mu.Unlock()
	if !t.active {
		return
	}
	t.active = false
	c.active--
	turn := c.turns.Front()
	if turn == nil {
		return
	}
	c.turns.MoveToBack(turn)
	from := turn.Value.(*client)
	next := c.dequeue(from, from.waiting.Front())
	c.grant(next.ticket)
	close(next.granted)
}

// Stats are the current totals of a Controller.
type Stats struct {
	Posts   int // in progress, including the waiting ones
	Waiting int
	Bytes   int64
}

// Stats returns the current totals.
func (c *Controller) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{c.posts, c.waiting, c.bytes}
}

// ClientAddr returns the address of a client, from http.Request.RemoteAddr: an IPv4 address, or the /64
// network of an IPv6 address because one host mostly has all of it. It returns the zero Addr for a connection without
// an address, such as a pipe.
func ClientAddr(remote string) netip.Addr {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	addr := at.Addr().Unmap().WithZone("")
	if addr.Is6() {
		network, _ := addr.Prefix(64) // fails only for lengths over 128
		return network.Addr()
	}
	return addr
}
