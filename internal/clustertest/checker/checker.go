package checker

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"flowring/flow"
	"flowring/internal/ledger"
)

// Checker judges a history by a ledger of its batches, and keeps faults and counts of reads. It is safe for concurrent
// use.
type Checker struct {
	*ledger.Ledger
	mu     sync.Mutex
	faults []string
	reads  [3]int // complete, unproven, others
}

// New returns a checker of a history without batches.
func New() *Checker { return &Checker{Ledger: ledger.New()} }

// Request is a POST of a history: one batch for each of its hours.
type Request struct {
	Batches []*ledger.Batch
	Keyed   bool        // the request has an Idempotency-Key, and a client may repeat it
	Acked   atomic.Bool // a node has acknowledged it
}

// Name returns a name that no other request of the history has.
func (r *Request) Name() string { return r.Batches[0].Name }

// Records returns the records of all batches.
func (r *Request) Records() (all []flow.Record) {
	for _, b := range r.Batches {
		all = append(all, b.Records()...)
	}
	return all
}

// Send enters a request of some hours with a unique name, before it is sent.
func (c *Checker) Send(hours []flow.Hour, weight int64, keyed bool) *Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	name, r := fmt.Sprintf("b%d", c.Sent()+1), &Request{Keyed: keyed}
	for _, hour := range hours {
		r.Batches = append(r.Batches, c.Enter(hour, name, weight))
	}
	return r
}

// Answer judges an answer of a node. owed is the result of Owed from before the read; complete is the header
// Flowring-Complete.
func (c *Checker) Answer(node string, hour flow.Hour, owed []*ledger.Batch, records []flow.Record, complete string) {
	for _, fault := range c.Judge(hour, owed, records, complete == "true") {
		c.Fault("%s: %s", node, fault)
	}
	c.Count(complete)
}

// Count counts a read by its header Flowring-Complete.
func (c *Checker) Count(complete string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch complete {
	case "true":
		c.reads[0]++
	case "unproven":
		c.reads[1]++
	default:
		c.reads[2]++
	}
}

// Fault notes a fault of the cluster.
func (c *Checker) Fault(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// Faults returns the faults in order, each once.
func (c *Checker) Faults() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	faults := slices.Clone(c.faults)
	slices.Sort(faults)
	return slices.Compact(faults)
}

// Reads returns the numbers of complete, of unproven and of other reads.
func (c *Checker) Reads() [3]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads
}
