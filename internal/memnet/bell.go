package memnet

import (
	"sync"
	"time"
)

// bell guards state and wakes all who wait for it to change. Unlike sync.Cond it can wait until a time as well.
type bell struct {
	sync.Mutex
	rung chan struct{} // closed by ring; nil while nobody waits
}

// heard returns a channel that is closed at the next ring. The bell is locked.
func (b *bell) heard() <-chan struct{} {
	if b.rung == nil {
		b.rung = make(chan struct{})
	}
	return b.rung
}

// ring wakes all who wait. The bell is locked.
func (b *bell) ring() {
	if b.rung != nil {
		close(b.rung)
		b.rung = nil
	}
}

// wait unlocks the bell, waits for a ring or the time until (zero: never), and locks it again.
func (b *bell) wait(until time.Time) {
	heard := b.heard()
	b.Unlock()
	defer b.Lock()
	if until.IsZero() {
		<-heard
		return
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-heard:
	case <-timer.C:
	}
}

// due reports whether t has come. The zero time never comes.
func due(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }

// earlier returns the earlier of two times, of which zero means never.
func earlier(t, u time.Time) time.Time {
	if t.IsZero() || (!u.IsZero() && u.Before(t)) {
		return u
	}
	return t
}
