package replica

import (
	"context"
	"fmt"
	"slices"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/ring/roster"
)

// Apply keeps batches here for a write. An ID held under another dot is as good as held: the dot matters between digests alone.
func (r *Replicas) Apply(batches []flow.Written) error { return r.Store.Apply(batches...) }

// replicate sends each batch to its R replicas at once and returns when W stores have it, of every batch. One that fails is replaced
// by the next in the batch's list at once, one that is slow is doubled by it. The others go on behind the answer. What several
// batches are sent to one store is one call at first.
func (r *Replicas) replicate(ctx context.Context, batches []flow.Written) error {
	p := r.replication(batches)
	r.hedges.Earn()
	err := p.begin()
	var slow <-chan time.Time
	if p.others() {
		ticker := time.NewTicker(r.HedgeAfter)
		defer ticker.Stop()
		slow = ticker.C
	}
	for {
		if err != nil || p.settled() {
			return err
		}
		p.send()
		select {
		case a := <-p.acks:
			err = p.take(a)
		case <-slow:
			p.double()
		case <-ctx.Done():
			return p.late(context.Cause(ctx))
		case <-r.ctx.Done():
			return p.late(errStopped)
		}
	}
}

// replication is batches on their way to the stores that keep them.
type replication struct {
	r      *Replicas
	quorum int
	writes []write
	open   int    // writes that are not on W stores, as far as is known
	due    []part // what is to be sent next
	acks   chan ack
}

// write is one batch of a replication.
type write struct {
	flow.Written
	places  places
	pending int            // places that were asked and have not answered
	own     bool           // this store is one of them
	held    []roster.Store // those that have it
	settled bool           // it is on W stores
	fail    contract.UnavailableError
}

// part is what is sent to one place: the writes at these positions.
type part struct {
	at place
	of []int
}

// ack is a store's answer to a part.
type ack struct {
	part
	from roster.Store
	err  error
}

func (r *Replicas) replication(batches []flow.Written) *replication {
	p := &replication{r: r, quorum: r.Quorum, writes: make([]write, len(batches)), open: len(batches)}
	if r.Disabled.Has(safeguard.Quorum) {
		p.quorum = 1
	}
	find, most := r.finder(), 0 // answers that can come
	for i, b := range batches {
		p.writes[i].Written, p.writes[i].places = b, find.places(b.Slice)
		most += len(p.writes[i].places.owners)
	}
	p.acks = make(chan ack, most)
	return p
}

// begin makes each batch's R replicas the first that it is sent to. It fails when a batch has none.
func (p *replication) begin() error {
	for i := range p.writes {
		for k := 0; k < p.r.Copies && p.next(i); k++ {
		}
		if err := p.stuck(i); err != nil {
			return err
		}
	}
	return nil
}

// others reports whether a batch has places left, to be asked where one is slow.
func (p *replication) others() bool {
	return slices.ContainsFunc(p.writes, func(w write) bool { return len(w.places.owners)+len(w.places.silent) > 0 })
}

// next has a write sent to the next place of its list. It reports whether there was one.
func (p *replication) next(i int) bool {
	w := &p.writes[i]
	at, ok := w.places.next()
	if !ok {
		return false
	}
	w.pending++
	w.own = w.own || at.self
	same := slices.IndexFunc(p.due, func(d part) bool { return d.at.ID == at.ID })
	if same < 0 {
		same = len(p.due)
		p.due = append(p.due, part{at: at})
	}
	p.due[same].of = append(p.due[same].of, i)
	return true
}

// send sends what is due, and does not wait for the answers.
func (p *replication) send() {
	for _, d := range p.due {
		batches := make([]flow.Written, len(d.of))
		for k, i := range d.of {
			batches[k] = p.writes[i].Written
		}
		acks := p.acks
		p.r.writes.Send(d.at.ID, d.at, batches, func(from roster.Store, err error) { acks <- ack{d, from, err} })
	}
	p.due = p.due[:0]
}

// take takes in an answer. It fails when a batch has no place left that could make its quorum.
func (p *replication) take(a ack) error {
	for _, i := range a.of {
		w := &p.writes[i]
		w.pending--
		w.own = w.own && !a.at.self
		switch {
		case a.err != nil:
			addFailure(&w.fail, p.r.label(a.at.Store), a.err)
		case !slices.ContainsFunc(w.held, func(s roster.Store) bool { return s.ID == a.from.ID }):
			w.held = append(w.held, a.from)
		}
		if p.settle(w) {
			continue
		}
		if a.err != nil || !p.r.counts(a.from) { // who is not on the roster of a later read may have the batch, and does not count
			p.next(i)
		}
		if err := p.stuck(i); err != nil {
			return err
		}
	}
	return p.recount()
}

// settle notes that a write is on W stores, if it is. Of them this store must be one if it was asked: the next batch with this key,
// or of these flows, is judged here, and must find this one (P3, P14).
func (p *replication) settle(w *write) bool {
	if !w.settled && !w.own && p.r.counting(w.held) >= p.quorum {
		w.settled = true
		p.open--
	}
	return w.settled
}

// stuck returns why a write that is not on W stores cannot come to be: nobody is left to ask, or to wait for.
func (p *replication) stuck(i int) error {
	if w := &p.writes[i]; w.pending == 0 && !p.next(i) {
		return p.short(w)
	}
	return nil
}

// settled reports whether every write is on W stores.
func (p *replication) settled() bool { return p.open == 0 }

// recount counts again once all writes are on W stores, by the roster as it is by then: an answer may bring the news that a store
// which answered before it is leaving.
func (p *replication) recount() error {
	if !p.settled() || len(p.writes) == 1 { // which was counted just now
		return nil
	}
	for i := range p.writes {
		w := &p.writes[i]
		if p.r.counting(w.held) >= p.quorum {
			continue
		}
		w.settled = false
		p.open++
		if err := p.stuck(i); err != nil {
			return err
		}
	}
	return nil
}

// double has writes that are not on W stores sent to one more place each, so long as the budget allows.
func (p *replication) double() {
	for i := range p.writes {
		if !p.writes[i].settled && p.r.hedges.Spend() {
			p.next(i)
		}
	}
}

// late returns why a batch that is not on W stores will not be waited for any longer.
func (p *replication) late(cause error) error {
	i := slices.IndexFunc(p.writes, func(w write) bool { return !w.settled })
	p.writes[i].fail.Err = cause
	return p.short(&p.writes[i])
}

// short says that too few stores acknowledged a write.
func (p *replication) short(w *write) error {
	w.fail.Reason = fmt.Sprintf("%d of the %d stores that the write quorum asks for acknowledged%s",
		p.r.counting(w.held), p.r.Quorum, LeavingNote(p.r.Cluster.Roster()))
	return &w.fail
}

// counting returns how many of the stores that have a batch count, by the roster as it is now.
func (r *Replicas) counting(held []roster.Store) int {
	n := 0
	for _, s := range held {
		if r.counts(s) || s.Established && !s.Leaving && r.Disabled.Has(safeguard.CountLast) {
			n++
		}
	}
	return n
}

// applyAt keeps batches at one place. It is bounded by the life of this node, not of the request: what was begun goes on behind
// the answer, so that R copies exist soon.
func (r *Replicas) applyAt(at place, batches []flow.Written) (roster.Store, error) {
	if at.self {
		return r.Cluster.Self(), r.Apply(batches)
	}
	ctx, cancel := context.WithTimeout(r.ctx, r.CallWait)
	defer cancel()
	return r.Peers.Apply(ctx, at.addr, bytesOf(batches)...)
}
