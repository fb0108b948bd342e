package clustertest

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

// NewChecker returns a checker of a history without batches.
func NewChecker() *Checker { return &Checker{Ledger: ledger.New()} }

// request is a POST of a history: one batch for each of its hours.
type request struct {
	batches []*ledger.Batch
	keyed   bool        // the request has an Idempotency-Key, and a client may repeat it
	acked   atomic.Bool // a node has acknowledged it
}

// name returns a name that no other request of the history has.
func (r *request) name() string { return r.batches[0].Name }

// records returns the records of all batches.
func (r *request) records() (all []flow.Record) {
	for _, b := range r.batches {
		all = append(all, b.Records()...)
	}
	return all
}

// enter enters a request of some hours with a unique name, before it is sent.
func (c *Checker) enter(hours []flow.Hour, weight int64, keyed bool) *request {
	c.mu.Lock()
	defer c.mu.Unlock()
	name, r := fmt.Sprintf("b%d", c.Sent()+1), &request{keyed: keyed}
	for _, hour := range hours {
		r.batches = append(r.batches, c.Enter(hour, name, weight))
	}
	return r
}

// judge judges an answer of a node. owed is the result of Owed from before the read; complete is the header
// Flowring-Complete.
func (c *Checker) judge(node string, hour flow.Hour, owed []*ledger.Batch, records []flow.Record, complete string) {
	for _, fault := range c.Judge(hour, owed, records, complete == "true") {
		c.Fault("%s: %s", node, fault)
	}
	c.count(complete)
}

// count counts a read by its header Flowring-Complete.
func (c *Checker) count(complete string) {
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
