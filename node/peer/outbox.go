package peer

import (
	"context"
	"net"
	"runtime"
	"slices"
	"sync"
	"time"
)

// outbox is what waits to be written to a connection. Who puts something in and finds nobody writing writes; what others put in
// meanwhile goes out together, in the next Write.
//
// Invariant: writing is set while something is pending, and whoever set it writes or has somebody write.
type outbox struct {
	conn  net.Conn
	stall time.Duration // how long the other side may take nothing: this, or half of it

	mu      sync.Mutex
	pending []byte        // whole frames
	spare   []byte        // the buffer that was written last, to be used again
	round   uint64        // counts the writes; what is pending belongs to the one of this number
	writing bool          // somebody does, or is about to
	room    chan struct{} // closed when pending is taken to be written; nil while nobody waits for it
	err     error         // nothing is written any more

	until time.Time // write deadline of the connection, of who writes
}

const (
	maxPending = 256 << 10 // bytes that may wait; a frame that is larger waits alone
	maxKept    = 256 << 10 // bytes of a buffer that is kept
	writeStep  = 64 << 10  // bytes that must be taken within the stall
)

// put puts in a frame of about size bytes, which fill appends and which belongs to the write number round. It waits until there is
// room, or ctx ends. Where it returns true nobody else writes: write or drain must follow.
func (o *outbox) put(ctx context.Context, size int, fill func(dst []byte, round uint64) []byte) (mine bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.err == nil && len(o.pending) > 0 && len(o.pending)+size > maxPending {
		if err := o.wait(ctx); err != nil {
			return false, err
		}
	}
	if o.err != nil {
		return false, o.err
	}
	o.pending = fill(slices.Grow(o.pending, size), o.round)
	mine = !o.writing
	o.writing = true
	return mine, nil
}

// wait waits for room. The outbox is locked, and unlocked meanwhile.
func (o *outbox) wait(ctx context.Context) error {
	if o.room == nil {
		o.room = make(chan struct{})
	}
	room := o.room
	o.mu.Unlock()
	defer o.mu.Lock()
	select {
	case <-room:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drain writes until nothing is pending.
func (o *outbox) drain() {
	for o.write() {
	}
}

// write writes what is pending, and reports whether more is by then: it must be called again, by anybody.
func (o *outbox) write() (more bool) {
	runtime.Gosched() // who is about to put something in does so first: what goes out in one Write costs one
	turn := o.take()
	if err := o.writeAll(turn); err != nil {
		o.fail(err)
		o.conn.Close() // whoever reads learns of it
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if cap(turn) <= maxKept {
		o.spare = turn
	}
	o.writing = len(o.pending) > 0
	return o.writing
}

// take returns what is pending, to be written.
func (o *outbox) take() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	taken := o.pending
	o.pending, o.spare = o.spare[:0], nil
	o.round++
	o.makeRoom()
	return taken
}

// makeRoom wakes who waits for room. The outbox is locked.
func (o *outbox) makeRoom() {
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
}

// writeAll writes data, as long as the other side takes it.
func (o *outbox) writeAll(data []byte) error {
	for len(data) > 0 {
		step := data[:min(len(data), writeStep)]
		if now := time.Now(); o.until.Sub(now) < o.stall/2 {
			o.until = now.Add(o.stall)
			if err := o.conn.SetWriteDeadline(o.until); err != nil {
				return err
			}
		}
		if _, err := o.conn.Write(step); err != nil {
			return err
		}
		data = data[len(step):]
	}
	return nil
}

// fail ends the outbox, and returns the number of the first write that was not begun.
func (o *outbox) fail(err error) (unwritten uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
		o.pending = nil
		o.makeRoom()
	}
	return o.round
}
