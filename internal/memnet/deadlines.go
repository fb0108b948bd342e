package memnet

import (
	"net"
	"os"
	"time"
)

// deadlines are the deadlines of a connection, with its closed state.
type deadlines struct {
	mu *timedCond // guards the fields below; their changes broadcast

	closed          bool
	readBy, writeBy time.Time // zero: no deadline
}

// check returns the error of an operation with a deadline, or nil if it may continue. The caller holds l.mu.
func (l *deadlines) check(by, now time.Time) error {
	if l.closed {
		return net.ErrClosed
	}
	if due(by, now) {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// SetDeadline sets both deadlines; the zero time means none.
func (l *deadlines) SetDeadline(t time.Time) error {
	return l.set(func() { l.readBy, l.writeBy = t, t })
}

// SetReadDeadline sets the deadline of reads; the zero time means none.
func (l *deadlines) SetReadDeadline(t time.Time) error {
	return l.set(func() { l.readBy = t })
}

// SetWriteDeadline sets the deadline of writes; the zero time means none.
func (l *deadlines) SetWriteDeadline(t time.Time) error {
	return l.set(func() { l.writeBy = t })
}

func (l *deadlines) set(change func()) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return &net.OpError{Op: "set", Err: net.ErrClosed}
	}
	change()
	l.mu.broadcast()
	return nil
}
