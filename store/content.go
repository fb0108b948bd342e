package store

import (
	"sync"

	"flowring/flow"
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
func (c *content) read(hour flow.Hour) *Reading {
	r, room := new(Reading), c.table.Room()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.table.CopyTo(&r.View, hour, room)
	r.digest = c.index.Digest()
	return r
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
