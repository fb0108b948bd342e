package clustertest

import (
	"fmt"
	"slices"
	"sync"
)

// batch is one batch of a history: it writes one flow of its own, of one byte, and its weight to a flow that all batches of an hour
// share. So a lost batch shows by its name, a doubled one by two bytes, and one seen in part by the sum.
type batch struct {
	id     int
	hour   int
	weight int64
	keyed  bool

	acked   bool
	refused bool // 4xx: counted zero times
}

func (b *batch) flow() string { return fmt.Sprintf("b%d", b.id) }

const sharedFlow = "all"

// row is one flow of an answer.
type row struct {
	SrcApp  string `json:"src_app"`
	DestApp string `json:"dest_app"`
	VPCID   string `json:"vpc_id"`
	BytesTx int64  `json:"bytes_tx"`
	BytesRx int64  `json:"bytes_rx"`
	Hour    int64  `json:"hour"`
}

// Checker knows every batch that was sent and what every reader saw. It is safe for concurrent use.
type Checker struct {
	mu      sync.Mutex
	batches map[string]*batch // by the name of their own flow
	owed    map[int][]*batch  // per hour: acknowledged, or shown by a complete read, in this order
	isOwed  map[*batch]bool
	faults  []string // what went wrong
	Reads   [3]int   // complete, unproven, others
	Acked   int
}

// NewChecker returns a checker that knows nothing.
func NewChecker() *Checker {
	return &Checker{batches: map[string]*batch{}, owed: map[int][]*batch{}, isOwed: map[*batch]bool{}}
}

// send makes a batch known, before it is sent.
func (c *Checker) send(hour int, weight int64, keyed bool) *batch {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := &batch{id: len(c.batches) + 1, hour: hour, weight: weight, keyed: keyed}
	c.batches[b.flow()] = b
	return b
}

// ack notes that a batch was answered 2xx.
func (c *Checker) ack(b *batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b.acked = true
	c.Acked++
	c.owe(b)
}

// refuse notes that a batch was answered 4xx.
func (c *Checker) refuse(b *batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b.refused = true
}

// owe makes a batch one that every later complete read must show. c.mu is held.
func (c *Checker) owe(b *batch) {
	if !c.isOwed[b] {
		c.isOwed[b] = true
		c.owed[b.hour] = append(c.owed[b.hour], b)
	}
}

// begin returns the batches that a complete read of the hour that begins now must show.
func (c *Checker) begin(hour int) []*batch {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.owed[hour][:len(c.owed[hour]):len(c.owed[hour])]
}

// see judges an answer. must is what begin returned before the read; complete says that the answer claims to be complete.
func (c *Checker) see(who string, hour int, must []*batch, rows []row, complete bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := map[*batch]bool{}
	var sum, shared int64
	for _, r := range rows {
		if r.SrcApp == sharedFlow {
			shared = r.BytesTx
			continue
		}
		b := c.batches[r.SrcApp]
		switch {
		case b == nil || b.hour != hour || int64(hour) != r.Hour:
			c.fault("%s: hour %d shows %s, which was never sent to it", who, hour, r.SrcApp)
			continue
		case b.refused:
			c.fault("%s: hour %d shows batch %d, which was refused (P3)", who, hour, b.id)
		case r.BytesTx != 1:
			c.fault("%s: hour %d counts batch %d %d times (P2)", who, hour, b.id, r.BytesTx)
		}
		seen[b] = true
		sum += b.weight * r.BytesTx
	}
	if sum != shared {
		c.fault("%s: hour %d has a shared total of %d where its batches have %d (P11)", who, hour, shared, sum)
	}
	if !complete {
		return
	}
	for _, b := range must {
		if !seen[b] {
			c.fault("%s: a complete read of hour %d misses batch %d, acknowledged %t (P4)", who, hour, b.id, b.acked)
		}
	}
	for b := range seen {
		c.owe(b)
	}
}

// fault notes what went wrong. c.mu is held.
func (c *Checker) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// Fault notes what went wrong.
func (c *Checker) Fault(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault(format, args...)
}

// Faults returns what went wrong, without repetitions.
func (c *Checker) Faults() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	faults := slices.Clone(c.faults)
	slices.Sort(faults)
	return slices.Compact(faults)
}
