package content

import (
	"sync"

	"flowring/flow"
	"flowring/store/aggregate"
	"flowring/store/digest"
	"flowring/store/index"
	"flowring/store/snapshot"
	"flowring/store/table"
	"flowring/store/totals"
)

// Content is a slice in memory. Its table may be read, and its index looked up, without a copy of both.
type Content struct {
	Table *table.Table
	Index index.Index
	mu    sync.RWMutex
}

// New returns the content of a slice without batches.
func New() *Content { return &Content{Table: table.New()} }

// Fold adds a batch whose dot the content lacks. It returns whether the batch is new to the totals, and the number of
// saturated totals (P14). The caller has locked the identity of the batch.
func (c *Content) Fold(b *flow.Batch) (added bool, saturated int) {
	sameID, _ := c.Index.Lookup(b)
	if sameID { // the totals include it under another dot
		c.Index.Add(b) // a single change, so mu is not needed
		return false, 0
	}
	rows := c.Table.Group(b)
	defer c.Table.Release(rows)
	c.mu.RLock()
	defer c.mu.RUnlock()
	saturated = c.Table.Add(b, rows)
	c.Index.Add(b)
	return true, saturated
}

// Read copies the slice. The memory for the copy is allocated first, so writers wait only for the copying.
func (c *Content) Read(hour flow.Hour) *Reading { return c.ReadInto(hour, c.Table.Room()) }

// ReadInto is Read with memory for the totals.
func (c *Content) ReadInto(hour flow.Hour, room []flow.Totals) *Reading {
	r := new(Reading)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Table.CopyTo(&r.View, hour, room)
	r.digest = c.Index.Digest()
	return r
}

// Keys copies the slice without the totals.
func (c *Content) Keys(hour flow.Hour) *table.View {
	v := new(table.View)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Table.CopyKeys(v, hour)
	return v
}

// TotalsOf copies the totals of the selected flows of a view from Keys, and returns the digest. It reports false if the
// slice has got new flows.
func (c *Content) TotalsOf(v *table.View, selected *aggregate.Selection) (d digest.Digest, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !selected.CopyTotals(c.Table, v) {
		return d, false
	}
	return c.Index.Digest(), true
}

// Totals returns the sums of all flows, and the digest of their batches.
func (c *Content) Totals() (t totals.Totals, d digest.Digest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Table.EachTotals(t.Add)
	return t, c.Index.Digest()
}

// Size estimates the memory of the slice in bytes.
func (c *Content) Size() int64 { return c.Table.Size() + c.Index.Size() }

// AddPiece adds a piece of a snapshot, without its digest. It needs no lock, because the content has no other user yet.
func (c *Content) AddPiece(p snapshot.Piece) {
	if p.Flows != nil {
		rows := c.Table.Group(p.Flows)
		defer c.Table.Release(rows)
		c.Table.Add(p.Flows, rows)
		return
	}
	for _, pair := range p.IDs {
		c.Index.AddPair(pair)
	}
}
