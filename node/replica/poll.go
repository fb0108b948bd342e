package replica

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/node/replica/proof"
	"flowring/ring/roster"
	"flowring/store/digest"
)

// DigestReply is a store's answer about a slice.
type DigestReply = proof.DigestReply

// DigestReply returns this store's answer about a slice.
func (r *Replicas) DigestReply(s flow.Slice) (DigestReply, error) {
	d, err := r.Store.Digest(s)
	if errors.Is(err, contract.Expired) && r.Disabled.Has(safeguard.SayExpired) {
		err = nil
	}
	return DigestReply{From: r.Cluster.Self(), Digest: d, TakingOver: r.TakingOver(s), Recovering: r.isDoubtful(s)}, err
}

// poll is one round of questions to all stores about a slice.
type poll struct {
	proof.Replies
	r    *Replicas
	skip *silentStores // of the pass around the poll; nil: none
	mu   sync.Mutex    // guards All and said while stores are asked
	said bool          // another store said that the hour has expired
}

func (r *Replicas) newPoll(s flow.Slice, skip *silentStores) *poll {
	return &poll{
		Replies: proof.Replies{Round: r.rule.Begin(), Slice: s, All: map[roster.StoreID]*proof.Reply{}},
		r:       r, skip: skip,
	}
}

// askAll asks every store of the roster for its digest, and every store that the answers add to the roster. It fails
// with contract.Expired if one of them says so of the hour.
func (p *poll) askAll(ctx context.Context) error {
	own, err := p.r.DigestReply(p.Slice)
	if err != nil {
		return fmt.Errorf("digest of %s: %w", p.Slice, err)
	}
	own.From = p.Self
	p.All[p.Self.ID] = &proof.Reply{DigestReply: own}
	if !p.Disabled.Has(safeguard.AskEverybody) {
		p.AskOthers(func(st roster.Store) { p.ask(ctx, st) })
	}
	return p.checkExpired()
}

// checkExpired returns contract.Expired if the hour has expired, by a store's own word or by the roster as merged from
// all answers so far.
func (p *poll) checkExpired() error {
	if (p.said || p.r.Expired(p.Slice.Hour)) && !p.r.Disabled.Has(safeguard.SayExpired) {
		return contract.Expired
	}
	return nil
}

func (p *poll) ask(ctx context.Context, st roster.Store) {
	if !p.r.finder.Reachable(st.ID) || p.skip.has(st.ID) {
		return
	}
	addr := p.r.Cluster.Addr(st.ID)
	ctx, cancel := context.WithTimeout(ctx, p.r.DigestWait)
	defer cancel()
	answer, err := p.r.Peers.Digest(ctx, addr, p.Slice, "")
	if errors.Is(err, contract.Expired) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.said = true
		return
	}
	if err != nil || answer.From.ID != st.ID { // if another store answers at the address, this one is silent
		p.skip.note(st.ID, err)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.All[st.ID] = &proof.Reply{DigestReply: answer, Addr: addr}
}

// own returns the reply of this store.
func (p *poll) own() *proof.Reply { return p.All[p.Self.ID] }

// pull fetches this store's missing batches from the others. A store whose fetch fails counts as silent.
func (p *poll) pull(ctx context.Context) {
	own := p.own().Digest
	for _, id := range slices.Sorted(maps.Keys(p.All)) {
		from := p.All[id]
		if from.Addr == "" || !own.Lacks(from.Digest) {
			continue
		}
		if err := p.r.fetch(ctx, from.Addr, p.Slice, own, nil); err != nil {
			p.r.Log.DebugContext(ctx, "pull for a read", "slice", p.Slice, "from", from.From.Name, "error", err)
			delete(p.All, id)
			continue
		}
		own = own.Union(from.Digest)
	}
}

// push sends the under-replicated batches of shown to more stores, as far as possible.
func (p *poll) push(ctx context.Context, shown digest.Digest) {
	under := p.UnderReplicated(shown)
	for _, to := range p.replicasFirst() {
		if under.Empty() {
			return
		}
		lacks := under.Minus(to.Digest)
		if to.Addr == "" || lacks.Empty() || !p.r.counts(to.From) || p.skip.has(to.From.ID) {
			continue
		}
		if err := p.give(ctx, to, shown.Minus(lacks)); err != nil {
			p.skip.note(to.From.ID, err)
			p.r.Log.DebugContext(ctx, "push for a read", "slice", p.Slice, "to", to.From.Name, "error", err)
			continue
		}
		to.Digest = to.Digest.Union(lacks)
		under = p.UnderReplicated(shown)
	}
}

// give sends the batches of this store to another one, except the batches of have.
func (p *poll) give(ctx context.Context, to *proof.Reply, have digest.Digest) error {
	from, err := p.r.Peers.Give(ctx, to.Addr, p.Slice, func(fn func(frame []byte) error) error {
		return p.r.Store.Missing(p.Slice, have, fn)
	})
	return checkAnswer(to.From, from, err)
}

// replicasFirst returns the replies in the order of the slice's candidates: batches belong on the first ones.
func (p *poll) replicasFirst() []*proof.Reply {
	all := slices.Collect(maps.Values(p.All))
	order := map[string]int{}
	for i, name := range p.Ring.Candidates(p.Slice) {
		order[name] = i + 1
	}
	rank := func(v *proof.Reply) int {
		if n := order[v.From.Name]; n > 0 {
			return n
		}
		return len(order) + 1
	}
	slices.SortFunc(all, func(a, b *proof.Reply) int { return rank(a) - rank(b) })
	return all
}
