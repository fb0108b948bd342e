package store

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

// content is a slice in memory: the fold of its batches, and their identities.
//
// P11: mu is locked shared while a batch is added to the table and to the index, and exclusively while a reading is
// copied. So a reading has all of a batch or nothing of it. The table and the index have locks of their own, which
// are taken within mu.
type content struct {
	mu    sync.RWMutex
	table *table.Table
	index index.Index
}

func newContent() *content { return &content{table: table.New()} }

// fold adds a batch whose dot the content lacks. It returns whether the batch is new to the totals, and the number of
// saturated totals (P14). The caller has locked the identity of the batch.
func (c *content) fold(b *flow.Batch) (added bool, saturated int) {
	sameID, _ := c.index.Lookup(b)
	if sameID { // the totals include it under another dot
		c.index.Add(b) // a single change, so mu is not needed
		return false, 0
	}
	rows := c.table.Group(b)
	defer c.table.Release(rows)
	c.mu.RLock()
	defer c.mu.RUnlock()
	saturated = c.table.Add(b, rows)
	c.index.Add(b)
	return true, saturated
}

// read copies the slice. The memory for the copy is allocated first, so writers wait only for the copying.
func (c *content) read(hour flow.Hour) *Reading { return c.readInto(hour, c.table.Room()) }

// readInto is read with memory for the totals.
func (c *content) readInto(hour flow.Hour, room []flow.Totals) *Reading {
	r := new(Reading)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.table.CopyTo(&r.View, hour, room)
	r.digest = c.index.Digest()
	return r
}

// keys copies the slice without the totals.
func (c *content) keys(hour flow.Hour) *table.View {
	v := new(table.View)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.table.CopyKeys(v, hour)
	return v
}

// totalsOf copies the totals of the selected flows of a view from keys, and returns the digest. It reports false if the
// slice has got new flows.
func (c *content) totalsOf(v *table.View, selected *aggregate.Selection) (d digest.Digest, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !selected.CopyTotals(c.table, v) {
		return d, false
	}
	return c.index.Digest(), true
}

// totals returns the sums of all flows, and the digest of their batches.
func (c *content) totals() (t totals.Totals, d digest.Digest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.table.EachTotals(t.Add)
	return t, c.index.Digest()
}

// size estimates the memory of the slice in bytes.
func (c *content) size() int64 { return c.table.Size() + c.index.Size() }

// addPiece adds a piece of a snapshot, without its digest. It needs no lock, because the content has no other user yet.
func (c *content) addPiece(p snapshot.Piece) {
	if p.Flows != nil {
		rows := c.table.Group(p.Flows)
		defer c.table.Release(rows)
		c.table.Add(p.Flows, rows)
		return
	}
	for _, pair := range p.IDs {
		c.index.AddPair(pair)
	}
}
