package stream

import (
	"context"
	"net"
	"runtime"
	"slices"
	"sync"
	"time"
)

// outbox collects frames for a connection. The caller that adds a frame while no write is in progress performs the
// write. Frames added during a write are sent together by the next one.
//
// Invariant: writing is set while pending has bytes. The caller that set it performs the write, or starts a goroutine
// for it.
type outbox struct {
	conn  net.Conn
	stall time.Duration // the connection must take writeStep bytes within this time; a write may have only half of it

	mu      sync.Mutex
	pending []byte        // whole frames
	spare   []byte        // the buffer of the last write, for reuse
	round   uint64        // number of the write for pending
	writing bool          // a write is in progress, or about to start
	room    chan struct{} // closed when a write takes pending; nil if no caller waits
	err     error         // after it nothing is written

	deadline time.Time // for writes on the connection; belongs to the writer
}

const (
	maxPending = 256 << 10 // bytes; a larger frame waits alone
	maxKept    = 256 << 10 // bytes; a larger buffer is not reused
	writeStep  = 64 << 10  // bytes
)

// put adds a frame of size bytes, which fill appends. round is the number of the write for the frame. put waits until
// there is room, or until ctx ends. If mustWrite is true, the caller calls write or drain next, because no other
// goroutine writes.
func (o *outbox) put(
	ctx context.Context, size int, fill func(dst []byte, round uint64) []byte,
) (mustWrite bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.err == nil && len(o.pending) > 0 && len(o.pending)+size > maxPending {
		if err := o.waitForRoom(ctx); err != nil {
			return false, err
		}
	}
	if o.err != nil {
		return false, o.err
	}
	return o.add(size, fill), nil
}

// putNow is put for a caller that must not wait. It reports false if there is no room, or the outbox has ended.
func (o *outbox) putNow(size int, fill func(dst []byte, round uint64) []byte) (mustWrite, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil || len(o.pending)+size > maxPending {
		return false, false
	}
	return o.add(size, fill), true
}

// add adds a frame. The caller holds o.mu.
func (o *outbox) add(size int, fill func(dst []byte, round uint64) []byte) (mustWrite bool) {
	o.pending = fill(slices.Grow(o.pending, size), o.round)
	mustWrite = !o.writing
	o.writing = true
	return mustWrite
}

// waitForRoom waits until a write takes pending, or until ctx ends. The caller holds o.mu, which is released during
// the wait.
func (o *outbox) waitForRoom(ctx context.Context) error {
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

// write writes the pending frames once. It reports whether frames were added meanwhile: some goroutine must then call
// write again.
func (o *outbox) write() (more bool) {
	runtime.Gosched() // other goroutines add their frames first, because one Write costs one system call for all
	data := o.takePending()
	if err := o.writeAll(data); err != nil {
		o.fail(err)
		o.conn.Close() // ends the reading goroutine
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if cap(data) <= maxKept {
		o.spare = data
	}
	o.writing = len(o.pending) > 0
	return o.writing
}

// takePending returns the pending frames, for one write.
func (o *outbox) takePending() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	data := o.pending
	o.pending, o.spare = o.spare[:0], nil
	o.round++
	o.wakeWaiting()
	return data
}

// wakeWaiting wakes the callers in waitForRoom. The caller holds o.mu.
func (o *outbox) wakeWaiting() {
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
}

// writeAll writes data in steps, each with a deadline. Deadlines move only when less than half of the time is left,
// because each move costs.
func (o *outbox) writeAll(data []byte) error {
	for len(data) > 0 {
		step := data[:min(len(data), writeStep)]
		if now := time.Now(); o.deadline.Sub(now) < o.stall/2 {
			o.deadline = now.Add(o.stall)
			if err := o.conn.SetWriteDeadline(o.deadline); err != nil {
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

// fail ends the outbox. It returns the number of the first write that never started.
func (o *outbox) fail(err error) (unwritten uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
		o.pending = nil
		o.wakeWaiting()
	}
	return o.round
}
