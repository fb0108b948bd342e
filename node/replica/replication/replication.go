package replication

import (
	"context"
	"fmt"
	"slices"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/internal/trace"
	"flowring/node/replica/candidates"
	"flowring/node/replica/coalesce"
	"flowring/node/replica/pace"
	"flowring/node/replica/proof"
	"flowring/ring/roster"
)

// Replicator sends batches to their stores. Its fields stay as they are.
type Replicator struct {
	Finder     *candidates.Finder
	Rule       *proof.Rule // which acks count
	Copies     int         // R
	Quorum     int         // W
	HedgeAfter time.Duration
	Hedges     *pace.Budget // of attempts beside slow ones
	Disabled   safeguard.Set
	// Send sends a write to a store and does not wait. It calls done once, with the result.
	Send  func(to candidates.Candidate, w coalesce.Writes, done coalesce.Result)
	Acked func(time.Duration) // gets the time until another store acknowledged batches; nil: it is not called

	Stop    context.Context // its end ends all waits
	Stopped error           // the cause then
}

// Replicate sends each batch to its R replicas at the same time, and returns when W stores have it, for every batch.
// The next candidate of a batch replaces a failed store immediately, and is asked beside a slow one. The other stores
// go on in the background. The batches for one store go in one call at first.
func (r *Replicator) Replicate(ctx context.Context, batches []flow.Written) error {
	p := r.newReplication(batches)
	r.Hedges.Earn()
	err := p.chooseReplicas()
	var slow <-chan time.Time
	if p.canHedge() {
		ticker := time.NewTicker(r.HedgeAfter)
		defer ticker.Stop()
		slow = ticker.C
	}
	for {
		if err != nil || p.allAcked() {
			return err
		}
		p.send(ctx)
		select {
		case a := <-p.acks:
			err = p.take(a)
		case <-slow:
			p.hedge()
		case <-ctx.Done():
			return p.timedOut(context.Cause(ctx))
		case <-r.Stop.Done():
			return p.timedOut(r.Stopped)
		}
	}
}

// replication is batches on their way to their stores.
type replication struct {
	r       *Replicator
	quorum  int
	writes  []write
	unacked int // writes not known to be on W stores
	due     []transfer
	acks    chan ack // has room for all
}

// write is one batch of a replication.
type write struct {
	flow.Written
	list        candidates.List
	pending     int            // stores without an answer yet
	selfPending bool           // this store is one of them
	ackedBy     []roster.Store // stores with the batch
	acked       bool           // W stores have the batch
	unavailable contract.UnavailableError
}

// transfer is the writes for one store, by their index.
type transfer struct {
	to     candidates.Candidate
	writes []int
}

// ack is a store's answer to a transfer.
type ack struct {
	transfer
	from roster.Store
	err  error
}

func (r *Replicator) newReplication(batches []flow.Written) *replication {
	p := &replication{r: r, quorum: r.Quorum, writes: make([]write, len(batches)), unacked: len(batches)}
	if r.Disabled.Has(safeguard.Quorum) {
		p.quorum = 1
	}
	lookup, most := r.Finder.Lookup(), 0
	for i, b := range batches {
		p.writes[i].Written, p.writes[i].list = b, lookup.Of(b.Slice)
		most += p.writes[i].list.Len()
	}
	p.acks = make(chan ack, most)
	return p
}

// chooseReplicas makes the first R candidates of each batch due. It fails if a batch has no candidate.
func (p *replication) chooseReplicas() error {
	for i := range p.writes {
		for k := 0; k < p.r.Copies && p.addNext(i); k++ {
		}
		if err := p.checkPending(i); err != nil {
			return err
		}
	}
	return nil
}

// canHedge reports whether a batch has candidates left.
func (p *replication) canHedge() bool {
	return slices.ContainsFunc(p.writes, func(w write) bool { return w.list.Len() > 0 })
}

// addNext makes a write due for its next candidate. It reports false if there is none left.
func (p *replication) addNext(i int) bool {
	w := &p.writes[i]
	to, ok := w.list.Next()
	if !ok {
		return false
	}
	w.pending++
	w.selfPending = w.selfPending || to.Self
	same := slices.IndexFunc(p.due, func(t transfer) bool { return t.to.ID == to.ID })
	if same < 0 {
		same = len(p.due)
		p.due = append(p.due, transfer{to: to})
	}
	p.due[same].writes = append(p.due[same].writes, i)
	return true
}

// send sends the due transfers, and does not wait for the answers.
func (p *replication) send(ctx context.Context) {
	for _, t := range p.due {
		w := coalesce.Writes{Batches: make([]flow.Written, len(t.writes)), Requests: trace.All(ctx)}
		for k, i := range t.writes {
			w.Batches[k] = p.writes[i].Written
		}
		p.r.Send(t.to, w, p.answerTo(t))
	}
	p.due = p.due[:0]
}

// answerTo returns the function that takes the answer to a transfer.
func (p *replication) answerTo(t transfer) func(roster.Store, error) {
	acks, acked, begun := p.acks, p.r.Acked, time.Now()
	return func(from roster.Store, err error) {
		if err == nil && acked != nil && !t.to.Self {
			acked(time.Since(begun))
		}
		acks <- ack{t, from, err}
	}
}

// take handles an answer. It fails if a batch can no longer reach W stores.
func (p *replication) take(a ack) error {
	for _, i := range a.writes {
		w := &p.writes[i]
		w.pending--
		w.selfPending = w.selfPending && !a.to.Self
		switch {
		case a.err != nil:
			w.unavailable.Err = fmt.Errorf("%s: %w", p.r.Finder.Roster().Label(a.to.Store), a.err)
		case !slices.ContainsFunc(w.ackedBy, func(s roster.Store) bool { return s.ID == a.from.ID }):
			w.ackedBy = append(w.ackedBy, a.from)
		}
		if p.markAcked(w) {
			continue
		}
		if a.err != nil || !p.r.Rule.Counts(a.from) { // later reads do not ask a store that is off the roster
			p.addNext(i)
		}
		if err := p.checkPending(i); err != nil {
			return err
		}
	}
	return p.recount()
}

// markAcked marks a write if it is on W stores, and reports whether it is. If this store was asked, it must be one of
// them: it judges the next batch with this key or these flows, and must find this batch then (P3, P14).
func (p *replication) markAcked(w *write) bool {
	if !w.acked && !w.selfPending && p.r.countAcks(w.ackedBy) >= p.quorum {
		w.acked = true
		p.unacked--
	}
	return w.acked
}

// checkPending returns an error if an unacked write has no answer to wait for and no candidate left.
func (p *replication) checkPending(i int) error {
	if w := &p.writes[i]; w.pending == 0 && !p.addNext(i) {
		return p.tooFewAcks(w)
	}
	return nil
}

// allAcked reports whether every write is on W stores.
func (p *replication) allAcked() bool { return p.unacked == 0 }

// recount counts the acks of all writes again once each write is on W stores, by the roster of that moment. A late
// answer may bring the news of a leaving store whose ack came before.
func (p *replication) recount() error {
	if !p.allAcked() || len(p.writes) == 1 { // a single write was counted a moment ago
		return nil
	}
	for i := range p.writes {
		w := &p.writes[i]
		if p.r.countAcks(w.ackedBy) >= p.quorum {
			continue
		}
		w.acked = false
		p.unacked++
		if err := p.checkPending(i); err != nil {
			return err
		}
	}
	return nil
}

// hedge makes each unacked write due for one more candidate, as far as the budget allows.
func (p *replication) hedge() {
	for i := range p.writes {
		if !p.writes[i].acked && p.r.Hedges.Spend() {
			p.addNext(i)
		}
	}
}

// timedOut returns the error of the first unacked write.
func (p *replication) timedOut(cause error) error {
	i := slices.IndexFunc(p.writes, func(w write) bool { return !w.acked })
	p.writes[i].unavailable.Err = cause
	return p.tooFewAcks(&p.writes[i])
}

// tooFewAcks returns the error of a write with too few acks. It names the stores without an ack of their own, also if
// their nodes answer with other stores, because the disks were replaced (P9).
func (p *replication) tooFewAcks(w *write) error {
	w.unavailable.AddStores(p.r.Finder.Roster().Labels(w.list.Unacked(w.ackedBy))...)
	w.unavailable.Reason = fmt.Sprintf("%d of the %d stores that the write quorum asks for acknowledged%s",
		p.r.countAcks(w.ackedBy), p.r.Quorum, p.r.Finder.Roster().LeavingNote())
	return &w.unavailable
}

// countAcks returns the number of stores whose acks count by the present roster.
func (r *Replicator) countAcks(ackedBy []roster.Store) int {
	n := 0
	for _, s := range ackedBy {
		if r.Rule.Counts(s) || s.Established && !s.Leaving && r.Disabled.Has(safeguard.CountLast) {
			n++
		}
	}
	return n
}
