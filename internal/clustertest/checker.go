package clustertest

import (
	"fmt"
	"slices"
	"sync"

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

// batch is a batch of a history.
type batch struct {
	*ledger.Batch
	keyed bool // the batch has an Idempotency-Key, and a client may repeat it
}

// enter enters a batch of an hour with a unique name, before it is sent.
func (c *Checker) enter(hour int, weight int64, keyed bool) *batch {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := fmt.Sprintf("b%d", c.Sent()+1)
	return &batch{c.Enter(flow.Hour(hour), name, weight), keyed}
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
