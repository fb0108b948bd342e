package memnet

import (
	"net"
	"os"
	"time"
)

// limits are what makes the operations of a connection give up: its deadlines, and that it is closed.
type limits struct {
	mu *bell // guards what follows, and rings whenever it changes

	closed          bool
	readBy, writeBy time.Time // zero: no deadline
}

// check returns why an operation with the deadline by must give up, or nil. The bell is locked.
func (l *limits) check(by, now time.Time) error {
	if l.closed {
		return net.ErrClosed
	}
	if due(by, now) {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// SetDeadline sets both deadlines; the zero time means none.
func (l *limits) SetDeadline(t time.Time) error {
	return l.set(func() { l.readBy, l.writeBy = t, t })
}

// SetReadDeadline sets until when reads wait; the zero time means for ever.
func (l *limits) SetReadDeadline(t time.Time) error {
	return l.set(func() { l.readBy = t })
}

// SetWriteDeadline sets until when writes wait; the zero time means for ever.
func (l *limits) SetWriteDeadline(t time.Time) error {
	return l.set(func() { l.writeBy = t })
}

func (l *limits) set(change func()) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return &net.OpError{Op: "set", Err: net.ErrClosed}
	}
	change()
	l.mu.ring()
	return nil
}
