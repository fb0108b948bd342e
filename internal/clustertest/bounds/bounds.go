package bounds

import (
	"fmt"
	"sync"
	"time"

	"flowring/flow"
	"flowring/ring/roster"
)

const (
	lowered = 24 * time.Hour // a retention by mistake
	between = 24 * time.Hour // until F follows C
	latest  = flow.Hour(1<<62 - 1)
)

// Mistake is a mistake of an operator, or of a machine.
type Mistake struct {
	Lowered bool          // the node keeps hours for a day
	Ahead   time.Duration // of the wall clock; negative: behind
}

// Clock is the time of a cluster in a bubble.
type Clock struct {
	Begun time.Time // of the cluster, by both clocks
	Pace  int       // how many times faster than the bubble the clocks of nodes run
}

// Since returns the time of the cluster since a time of the bubble.
func (c Clock) Since(t time.Time) time.Duration { return time.Since(t) * time.Duration(max(c.Pace, 1)) }

// Hour returns the hour of right nodes.
func (c Clock) Hour() flow.Hour { return flow.Hour(c.Begun.Add(c.Since(c.Begun)).Unix() / 3600) }

// Bounds has the highest right floors of a cluster.
type Bounds struct {
	keep  time.Duration // the right retention; 0: no hour closes by a clock
	clock Clock

	mu       sync.Mutex
	mistakes map[string]Mistake
	since    time.Time     // of the mistakes of at least two nodes; zero: fewer are wrong
	mistaken roster.Floors // due to mistakes
	hand     roster.Floors // raised by a test
	seen     map[string]roster.Floors
	erasures map[flow.Hour]*erasure
}

// New returns the bounds of a cluster with a retention.
func New(keep time.Duration, clock Clock) *Bounds {
	return &Bounds{keep: keep, clock: clock, mistakes: map[string]Mistake{}, seen: map[string]roster.Floors{}}
}

// Keep returns the retention of the next process of a node.
func (b *Bounds) Keep(name string) time.Duration {
	if b.Mistake(name).Lowered {
		return min(lowered, b.keep)
	}
	return b.keep
}

// Mistake returns the mistake of a node.
func (b *Bounds) Mistake(name string) Mistake {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mistakes[name]
}

// Set changes the mistake of a node.
func (b *Bounds) Set(name string, m Mistake) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.follow() // the mistakes until now
	b.mistakes[name] = m
	b.follow()
}

// Raise notes floors that a test raises.
func (b *Bounds) Raise(f roster.Floors) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hand = higher(b.hand, f)
}

// Floors returns the highest right floors now.
func (b *Bounds) Floors() roster.Floors {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.follow()
	may := higher(b.mistaken, b.hand)
	if b.keep == 0 {
		return may
	}
	may = higher(may, roster.Floors{Closed: b.ago(b.keep), Expired: b.ago(b.keep + between)})
	if b.mistaken.Closed > 0 { // closed too early, and deleted a day later like other hours
		may = higher(may, roster.Floors{Expired: b.ago(b.keep)})
	}
	return may
}

// follow notes how far the mistakes of two nodes lead until now. The caller holds mu.
func (b *Bounds) follow() {
	wrong, hour := 0, b.ago(min(lowered, b.keep))
	for _, m := range b.mistakes {
		if m != (Mistake{}) {
			wrong++
		}
		if m.Ahead > 0 {
			hour = latest
		}
	}
	switch {
	case wrong < 2:
		b.since = time.Time{}
		return
	case b.since.IsZero():
		b.since = time.Now()
	}
	b.mistaken = higher(b.mistaken, roster.Floors{Closed: hour})
	if b.clock.Since(b.since) >= between {
		b.mistaken = higher(b.mistaken, roster.Floors{Expired: hour})
	}
}

// ago returns the hour of right nodes some time ago.
func (b *Bounds) ago(d time.Duration) flow.Hour { return b.clock.Hour() - flow.Hour(d/time.Hour) }

func higher(a, b roster.Floors) roster.Floors {
	return roster.Floors{Closed: max(a.Closed, b.Closed), Expired: max(a.Expired, b.Expired)}
}

// Judge returns the faults of the floors on a disk: none is too high, and none goes back.
func (b *Bounds) Judge(name string, f roster.Floors) (faults []string) {
	may := b.Floors()
	if f.Closed > may.Closed || f.Expired > may.Expired {
		faults = append(faults, fmt.Sprintf("%s has the floors %+v, at most %+v are right (P1)", name, f, may))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if was := b.seen[name]; f.Closed < was.Closed || f.Expired < was.Expired {
		faults = append(faults, fmt.Sprintf("the floors of %s go back from %+v to %+v (P4)", name, was, f))
	}
	b.seen[name] = f
	return faults
}

// Forget notes that the disk of a node has lost its floors and marks.
func (b *Bounds) Forget(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.seen, name)
	for _, e := range b.erasures {
		e.loss = true
	}
}
