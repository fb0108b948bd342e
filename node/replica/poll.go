package replica

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/ring"
	"flowring/ring/roster"
	"flowring/store/digest"
)

// DigestReply is a store's answer about a slice.
type DigestReply struct {
	From       roster.Store
	Digest     digest.Digest // of its batches
	TakingOver bool          // it is a new replica of the slice, and may lack batches of the former replicas
	Recovering bool          // it started a short time ago and its disk may be an older image, so it proves nothing yet
}

// DigestReply returns this store's answer about a slice.
func (r *Replicas) DigestReply(s flow.Slice) (DigestReply, error) {
	d, err := r.Store.Digest(s)
	return DigestReply{r.Cluster.Self(), d, r.TakingOver(s), r.isDoubtful(s)}, err
}

// reply is a store's answer in a poll.
type reply struct {
	DigestReply
	addr string // "" for this store
}

// poll is one round of questions to all stores about a slice.
type poll struct {
	r     *Replicas
	slice flow.Slice
	self  roster.Store
	ring  *ring.Ring
	begun roster.Roster // at the beginning of the poll

	excludeSelf bool          // this store is about to go, so its copies do not count
	skip        *silentStores // of the pass around the poll; nil: none

	mu      sync.Mutex
	asked   map[roster.StoreID]bool
	replies map[roster.StoreID]*reply // this store's included
}

func (r *Replicas) newPoll(s flow.Slice, skip *silentStores) *poll {
	return &poll{
		r: r, slice: s, skip: skip,
		asked: map[roster.StoreID]bool{}, replies: map[roster.StoreID]*reply{},
	}
}

// askAll asks every store of the roster for its digest, then every store that the answers add to the roster, until
// there is none left.
func (p *poll) askAll(ctx context.Context) error {
	p.self, p.ring, p.begun = p.r.Cluster.Self(), p.r.Cluster.Ring(), p.r.Cluster.Roster()
	own, err := p.r.DigestReply(p.slice)
	if err != nil {
		return fmt.Errorf("digest of %s: %w", p.slice, err)
	}
	own.From = p.self
	p.asked[p.self.ID] = true
	p.replies[p.self.ID] = &reply{DigestReply: own}
	if p.r.Disabled.Has(safeguard.AskEverybody) {
		return nil
	}
	for {
		var wg sync.WaitGroup
		for _, st := range p.r.Cluster.Roster().Stores() {
			if !p.asked[st.ID] {
				p.asked[st.ID] = true
				wg.Go(func() { p.ask(ctx, st) })
			}
		}
		wg.Wait()
		if !p.hasUnasked() {
			return nil
		}
	}
}

// hasUnasked reports whether the roster has a store that was not asked.
func (p *poll) hasUnasked() bool {
	for _, st := range p.r.Cluster.Roster().Stores() {
		if !p.asked[st.ID] {
			return true
		}
	}
	return false
}

func (p *poll) ask(ctx context.Context, st roster.Store) {
	if !p.r.finder.Reachable(st.ID) || p.skip.has(st.ID) {
		return
	}
	addr := p.r.Cluster.Addr(st.ID)
	ctx, cancel := context.WithTimeout(ctx, p.r.DigestWait)
	defer cancel()
	answer, err := p.r.Peers.Digest(ctx, addr, p.slice, "")
	if err != nil || answer.From.ID != st.ID { // if another store answers at the address, this one is silent
		p.skip.note(st.ID, err)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.replies[st.ID] = &reply{answer, addr}
}

// own returns the reply of this store.
func (p *poll) own() *reply { return p.replies[p.self.ID] }

// pull fetches this store's missing batches from the others. A store whose fetch fails counts as silent.
func (p *poll) pull(ctx context.Context) {
	own := p.own().Digest
	for _, id := range slices.Sorted(maps.Keys(p.replies)) {
		from := p.replies[id]
		if from.addr == "" || !own.Lacks(from.Digest) {
			continue
		}
		if err := p.r.fetch(ctx, from.addr, p.slice, own, nil); err != nil {
			p.r.Log.Debug("pull for a read", "slice", p.slice, "from", from.From.Name, "error", err)
			delete(p.replies, id)
			continue
		}
		own = own.Union(from.Digest)
	}
}

// push sends the under-replicated batches of shown to more stores, as far as possible.
func (p *poll) push(ctx context.Context, shown digest.Digest) {
	under := p.underReplicated(shown)
	for _, to := range p.replicasFirst() {
		if under.Empty() {
			return
		}
		lacks := under.Minus(to.Digest)
		if to.addr == "" || lacks.Empty() || !p.r.counts(to.From) || p.skip.has(to.From.ID) {
			continue
		}
		if err := p.give(ctx, to, shown.Minus(lacks)); err != nil {
			p.skip.note(to.From.ID, err)
			p.r.Log.Debug("push for a read", "slice", p.slice, "to", to.From.Name, "error", err)
			continue
		}
		to.Digest = to.Digest.Union(lacks)
		under = p.underReplicated(shown)
	}
}

// give sends the batches of this store to another one, except the batches of have.
func (p *poll) give(ctx context.Context, to *reply, have digest.Digest) error {
	from, err := p.r.Peers.Give(ctx, to.addr, p.slice, func(fn func(frame []byte) error) error {
		return p.r.Store.Missing(p.slice, have, fn)
	})
	return checkAnswer(to.From, from, err)
}

// replicasFirst returns the replies in the order of the slice's candidates: batches belong on the first ones.
func (p *poll) replicasFirst() []*reply {
	all := slices.Collect(maps.Values(p.replies))
	order := map[string]int{}
	for i, name := range p.ring.Candidates(p.slice) {
		order[name] = i + 1
	}
	rank := func(v *reply) int {
		if n := order[v.From.Name]; n > 0 {
			return n
		}
		return len(order) + 1
	}
	slices.SortFunc(all, func(a, b *reply) int { return rank(a) - rank(b) })
	return all
}

// underReplicated returns the dots of shown on fewer than W stores.
func (p *poll) underReplicated(shown digest.Digest) digest.Digest {
	if p.r.Disabled.Has(safeguard.PushBack) {
		return digest.Digest{}
	}
	return shown.Minus(p.onQuorum(shown))
}

// onQuorum returns the dots of shown on at least W counting stores. at[j] has the dots on j of the stores so far.
func (p *poll) onQuorum(shown digest.Digest) digest.Digest {
	at := make([]digest.Digest, p.r.Quorum+1)
	at[0] = shown
	for _, v := range p.replies {
		if !p.r.counts(v.From) || p.excludeSelf && v.addr == "" {
			continue
		}
		for j := p.r.Quorum; j > 0; j-- {
			both := at[j-1].Minus(at[j-1].Minus(v.Digest))
			at[j] = at[j].Union(both)
		}
	}
	return at[p.r.Quorum]
}

// completeness judges the poll by the roster as merged from all answers. It also returns the labels of the silent
// stores.
func (p *poll) completeness(shown digest.Digest) (contract.Completeness, []string) {
	silent := p.silent()
	if p.r.Disabled.Has(safeguard.AskEverybody) {
		return contract.Complete, nil
	}
	quorum := p.r.Quorum
	enough := len(silent) < quorum && p.countVoters() >= quorum && p.r.counts(p.self) && !p.r.isDoubtful(p.slice)
	switch {
	case enough && p.underReplicated(shown).Empty():
		return contract.Complete, silent
	case enough, p.countReplicas() >= p.r.Copies-quorum+1:
		return contract.Unproven, silent
	}
	return contract.Partial, silent
}

// silent returns the labels of the silent stores, without the stores forgotten before the poll began. A store that is
// forgotten during the poll, or of which the news comes then, counts as silent: its batches may have been secured on
// another store after that one had answered.
func (p *poll) silent() []string {
	now := p.r.Cluster.Roster()
	var silent []roster.Store
	for _, st := range now.All() {
		before, known := p.begun.Get(st.ID)
		if st.Forgotten && (known && before.Forgotten || p.r.Disabled.Has(safeguard.BegunRoster)) {
			continue
		}
		if v := p.replies[st.ID]; v == nil || v.Recovering {
			silent = append(silent, st)
		}
	}
	return now.Labels(silent)
}

// countVoters returns the number of stores whose replies count.
func (p *poll) countVoters() int {
	n := 0
	for _, v := range p.replies {
		if p.r.counts(v.From) && !v.Recovering {
			n++
		}
	}
	return n
}

// countReplicas returns the number of the slice's own replicas that answered. It returns 0 if one of them still takes
// the slice over.
func (p *poll) countReplicas() int {
	n := 0
	for _, v := range p.replies {
		if !p.r.counts(v.From) || !p.r.isReplica(p.ring, p.slice, v.From.Name) {
			continue
		}
		if v.TakingOver {
			return 0
		}
		n++
	}
	return n
}
