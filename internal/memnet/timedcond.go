package memnet

import (
	"sync"
	"time"
)

// timedCond is a mutex with a condition variable. Unlike sync.Cond, its wait can have a time limit.
type timedCond struct {
	sync.Mutex
	changed chan struct{} // closed by broadcast; nil without a waiter
}

// next returns a channel that the next broadcast closes. The caller holds the mutex.
func (b *timedCond) next() <-chan struct{} {
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return b.changed
}

// broadcast wakes all waiters. The caller holds the mutex.
func (b *timedCond) broadcast() {
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

// wait waits for a broadcast, or until a time (zero: no limit). The caller holds the mutex, which is released during
// the wait.
func (b *timedCond) wait(until time.Time) {
	changed := b.next()
	b.Unlock()
	defer b.Lock()
	if until.IsZero() {
		<-changed
		return
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	}
}

// due reports whether t is over. The zero time means never.
func due(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }

// earlier returns the earlier of two times. The zero time means never.
func earlier(t, u time.Time) time.Time {
	if t.IsZero() || (!u.IsZero() && u.Before(t)) {
		return u
	}
	return t
}
