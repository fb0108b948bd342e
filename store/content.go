package store

import (
	"sync"

	"flowring/flow"
	"flowring/store/snapshot"
	"flowring/store/table"
)

// content is a slice in memory: the fold of its batches.
//
// P11: mu is held shared while a batch is added to the table and to the marks, and exclusively while a reading is copied, so
// a reading has all of a batch or nothing of it. Within mu, the table and the marks have locks of their own.
type content struct {
	mu    sync.RWMutex
	table *table.Table
	marks marks
}

func newContent() *content { return &content{table: table.New()} }

// fold adds the batch, whose dot is not held yet, and returns whether it was new to the totals, and how many of these it saturated
// (P14). The caller holds the lock on the batch's identity.
func (c *content) fold(b *flow.Batch) (fresh bool, saturated int) {
	id, _ := c.marks.seen(b)
	if id { // the totals have it under another dot
		c.marks.record(b) // one step, so that mu is not needed
		return false, 0
	}
	rows := c.table.Group(b)
	defer c.table.Release(rows)
	c.mu.RLock()
	defer c.mu.RUnlock()
	saturated = c.table.Add(b, rows)
	c.marks.record(b)
	return true, saturated
}

// read copies the slice. Writers wait for the copy alone, because its memory is allocated before.
func (c *content) read(hour flow.Hour) *Reading {
	r, room := new(Reading), c.table.Room()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.table.CopyTo(&r.View, hour, room)
	r.digest = c.marks.digest()
	return r
}

// size estimates the bytes of memory that the slice takes.
func (c *content) size() int64 { return c.table.Size() + c.marks.size() }

// addPiece adds a piece of a snapshot, whose digest is recorded apart. Nobody else uses the content yet.
func (c *content) addPiece(p snapshot.Piece) {
	if p.Flows != nil {
		rows := c.table.Group(p.Flows)
		defer c.table.Release(rows)
		c.table.Add(p.Flows, rows)
		return
	}
	for _, pair := range p.IDs {
		c.marks.addPair(pair)
	}
}
