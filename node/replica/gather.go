package replica

import (
	"slices"
	"sync"
	"time"

	"flowring/flow"
	"flowring/ring/roster"
	"flowring/store"
)

// gathering puts what several writes send to one store into one call: what comes while a call is under way goes with the next one. Many
// small calls, each with an fsync to wait for, become few. Nobody waits for others to come, but in a crowd: where a call carried many,
// the next one begins no sooner than some time after it did.
//
// Only writes of one hour go together: another hour may have to be loaded first. What waited for a call that fails fails with it: it has
// other places to turn to.
type gathering struct {
	run   func(fn func()) bool // runs fn in a goroutine of its own, or not at all
	apply func(at place, batches []flow.Written) (roster.Store, error)

	mu   sync.Mutex
	next map[lane]*parcel // for what has a call under way what goes next; nil: nothing yet
}

// lane is what goes together.
type lane struct {
	store roster.StoreID
	hour  flow.Hour
}

// What goes in one call: what is more goes at once, in another, so that many large writes are taken in side by side.
const (
	parcelBatches = store.ApplyAtOnce // they share an fsync
	parcelBytes   = 256 << 10
)

// A crowd on a fast disk would have an fsync for each 16 writes, a tenth of what small ones cost, and no sooner be answered. On a slow
// one a call takes that long anyway.
const (
	crowd = 16                   // batches in a call
	apart = 2 * time.Millisecond // from the beginning of such a call to that of the next
)

// parcel is what goes in one call.
type parcel struct {
	at      place
	batches []flow.Written
	bytes   int
	done    []func(from roster.Store, err error)
}

func newParcel(at place, batches []flow.Written, done func(roster.Store, error)) *parcel {
	p := &parcel{at: at}
	p.add(batches, done)
	return p
}

func (p *parcel) add(batches []flow.Written, done func(roster.Store, error)) {
	p.batches = append(p.batches, batches...)
	p.bytes += sizeOf(batches)
	p.done = append(p.done, done)
}

func (p *parcel) hasRoomFor(batches []flow.Written) bool {
	return len(p.batches)+len(batches) <= parcelBatches && p.bytes+sizeOf(batches) <= parcelBytes
}

func sizeOf(batches []flow.Written) int {
	n := 0
	for _, b := range batches {
		n += len(b.Bytes)
	}
	return n
}

func (p *parcel) end(from roster.Store, err error) {
	for _, done := range p.done {
		done(from, err)
	}
}

// send has batches applied at a place, and does not wait for it: done is called, once, with what came of it. It must not block.
func (g *gathering) send(at place, batches []flow.Written, done func(roster.Store, error)) {
	if !oneHour(batches) {
		g.start(newParcel(at, batches, done))
		return
	}
	l := lane{at.ID, batches[0].Slice.Hour}
	g.mu.Lock()
	next, busy := g.next[l]
	switch {
	case !busy:
		g.next[l] = nil
		g.mu.Unlock()
		g.startAll(l, newParcel(at, batches, done))
	case next == nil:
		g.next[l] = newParcel(at, batches, done)
		g.mu.Unlock()
	case next.hasRoomFor(batches):
		next.add(batches, done)
		g.mu.Unlock()
	default:
		g.next[l] = newParcel(at, batches, done)
		g.mu.Unlock()
		g.start(next)
	}
}

func oneHour(batches []flow.Written) bool {
	return !slices.ContainsFunc(batches, func(b flow.Written) bool { return b.Slice.Hour != batches[0].Slice.Hour })
}

// start makes one call.
func (g *gathering) start(p *parcel) {
	if !g.run(func() { p.end(g.apply(p.at, p.batches)) }) {
		p.end(roster.Store{}, errStopped)
	}
}

// startAll makes a call, and then further ones for as long as something came meanwhile.
func (g *gathering) startAll(l lane, p *parcel) {
	if !g.run(func() { g.callAll(l, p) }) {
		g.failAll(l, p, errStopped)
	}
}

func (g *gathering) callAll(l lane, p *parcel) {
	for p != nil {
		begun := time.Now()
		from, err := g.apply(p.at, p.batches)
		if err != nil {
			g.failAll(l, p, err)
			return
		}
		p.end(from, nil)
		if len(p.batches) >= crowd {
			time.Sleep(apart - time.Since(begun))
		}
		p = g.take(l)
	}
}

// failAll ends a parcel, and those that waited for it.
func (g *gathering) failAll(l lane, p *parcel, err error) {
	for ; p != nil; p = g.take(l) {
		p.end(roster.Store{}, err)
	}
}

// take takes what goes next. With nothing to go, nothing is under way any more.
func (g *gathering) take(l lane) *parcel {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.next[l]
	if p == nil {
		delete(g.next, l)
	} else {
		g.next[l] = nil
	}
	return p
}
