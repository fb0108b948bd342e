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
	"flowring/store"
	"flowring/store/digest"
)

// Reading is a slice as read here, and how complete it is.
type Reading struct {
	*store.Reading               // nil if all who asked know the flows already
	Shown          digest.Digest // the batches that were judged: those in the reading
	Level          contract.Completeness
	Silent         []string // names of the nodes that were not heard, sorted
}

// Known reports whether a reader already has the flows of a slice, as they are with the batches of a digest. nil: the reader does not.
type Known func(digest.Digest) bool

// knownToAll returns a Known for all readers of a round.
func knownToAll(wishes []Known) Known {
	return func(d digest.Digest) bool {
		return !slices.ContainsFunc(wishes, func(known Known) bool { return known == nil || !known(d) })
	}
}

// Read reads a slice completely, or as completely as can be, within ctx. The reading is
//
//   - Complete when fewer than W stores of the roster were silent, at least W established ones answered, this one included, and
//     every batch in the reading is on W established stores. A store that is recovering counts as silent;
//   - Unproven when only the last condition fails: everything acknowledged is in the reading, but the next complete read may lack a
//     batch that this one shows. Or when at least R-W+1 of the slice's own replicas answered and none of them is still taking the
//     slice over;
//   - Partial otherwise.
//
// Why Complete is so: an acknowledged batch is on W stores, and fewer than W were not heard. Why the answer's batches must be on W
// stores: else the next complete read might miss one that this one has shown (model: push_back).
//
// A reader who has the flows already, by known, may get a reading without: then the totals are not copied, and a cold slice stays cold.
// What is said about it is as true.
func (r *Replicas) Read(ctx context.Context, s flow.Slice, known Known) (*Reading, error) {
	return r.rounds.Join(ctx, s, known, func(all []Known) (*Reading, error) { return r.read(s, knownToAll(all), false) })
}

// ReadUnlessBehind is Read, but fails with a *BehindError where another store lacks less than this one, which would have to fetch more
// than a read has time for: an hour that moves here, say. The other store is to be asked, by Read.
func (r *Replicas) ReadUnlessBehind(ctx context.Context, s flow.Slice, known Known) (*Reading, error) {
	return r.seeking.Join(ctx, s, known, func(all []Known) (*Reading, error) { return r.read(s, knownToAll(all), true) })
}

// BehindError says that another store lacks less of a slice than this one.
type BehindError struct {
	Fuller roster.Store
	Addr   string // of that store
}

// Error names the other store.
func (e *BehindError) Error() string { return e.Fuller.Name + " lacks less of the hour" }

// read makes one round. Apart from loading a cold slice it takes ReadWait for questions and pulls, and DigestWait for pushes.
func (r *Replicas) read(s flow.Slice, known Known, unlessBehind bool) (*Reading, error) {
	h := r.newHearing(s, nil)
	asking, cancel := context.WithTimeout(r.ctx, r.ReadWait)
	defer cancel()
	if err := h.askAll(asking); err != nil {
		return nil, err
	}
	heard := h.statements()
	if unlessBehind {
		if err := heard.behind(r, h.held[h.self.ID].Digest, pullAtOnce); err != nil {
			return nil, err
		}
	}
	found, err := h.gather(asking, known)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", s, err)
	}
	if unlessBehind {
		if err := heard.behind(r, found.Shown, 0); err != nil {
			return nil, err
		}
	}
	pushing, cancel := context.WithTimeout(r.ctx, r.DigestWait) // anew: a large hour may have taken as long to load
	defer cancel()
	h.push(pushing, found.Shown)
	found.Level, found.Silent = h.level(found.Shown)
	return found, nil
}

// look returns what is here, the flows only if they are not known.
func (r *Replicas) look(s flow.Slice, known Known) (*Reading, error) {
	shown, err := r.Store.Digest(s)
	if err != nil || known(shown) {
		return &Reading{Shown: shown}, err
	}
	reading, err := r.Store.Read(s)
	if err != nil {
		return nil, err
	}
	return &Reading{Reading: reading, Shown: reading.Digest()}, nil
}

// pullAtOnce is how many batches a read pulls rather than turn to a store that lacks fewer: each takes an fsync.
const pullAtOnce = 64

// statements are what other stores said in a round, before anything moved.
type statements struct {
	voices []voice
	all    digest.Digest // what any store holds, this one included
}

func (h *hearing) statements() statements {
	var s statements
	for _, id := range slices.Sorted(maps.Keys(h.held)) {
		v := h.held[id]
		s.all = s.all.Union(v.Digest)
		if v.addr != "" {
			s.voices = append(s.voices, *v)
		}
	}
	return s
}

// behind returns a *BehindError if this store lacks more than most batches of what was said, and another one that counts lacks fewer.
func (s statements) behind(r *Replicas, own digest.Digest, most uint64) error {
	least := s.all.Minus(own).Count()
	if least <= most {
		return nil
	}
	var fuller error
	for _, v := range s.voices {
		if lacks := s.all.Minus(v.Digest).Count(); lacks < least && r.counts(v.From) && !v.Recovering {
			least, fuller = lacks, &BehindError{v.From, v.addr}
		}
	}
	return fuller
}

// hearing is one round of questions about a slice.
type hearing struct {
	r     *Replicas
	slice flow.Slice
	self  roster.Store
	ring  *ring.Ring
	begun roster.Roster // as the round began

	away     bool      // this store is about to go: its copies do not count
	silences *silences // of the pass that the round is a part of; nil: it is of none

	mu    sync.Mutex
	asked map[roster.StoreID]bool
	held  map[roster.StoreID]*voice // stores that were heard, this one included
}

// voice is what one store said.
type voice struct {
	Voice
	addr string // "" for this store
}

// askAll asks every store of the roster for its digest, then every store learnt of from the answers, until there is none new.
func (h *hearing) askAll(ctx context.Context) error {
	h.self, h.ring, h.begun = h.r.Cluster.Self(), h.r.Cluster.Ring(), h.r.Cluster.Roster()
	own, err := h.r.Store.Digest(h.slice)
	if err != nil {
		return fmt.Errorf("digest of %s: %w", h.slice, err)
	}
	h.asked[h.self.ID] = true
	h.held[h.self.ID] = &voice{Voice: Voice{h.self, own, h.r.TakingOver(h.slice), h.r.doubtful(h.slice)}}
	if h.r.Disabled.Has(safeguard.AskEverybody) {
		return nil
	}
	for {
		var wg sync.WaitGroup
		for _, st := range h.r.Cluster.Roster().Stores() {
			if !h.asked[st.ID] {
				h.asked[st.ID] = true
				wg.Go(func() { h.ask(ctx, st) })
			}
		}
		wg.Wait()
		if !h.learnt() {
			return nil
		}
	}
}

// learnt reports whether the roster has a store that was not asked.
func (h *hearing) learnt() bool {
	for _, st := range h.r.Cluster.Roster().Stores() {
		if !h.asked[st.ID] {
			return true
		}
	}
	return false
}

func (h *hearing) ask(ctx context.Context, st roster.Store) {
	if !h.r.reachable(st.ID) || h.silences.has(st.ID) {
		return
	}
	addr := h.r.Cluster.Addr(st.ID)
	ctx, cancel := context.WithTimeout(ctx, h.r.DigestWait)
	defer cancel()
	said, err := h.r.Peers.Digest(ctx, addr, h.slice, "")
	if err != nil || said.From.ID != st.ID { // another store answers at the address: this one is silent
		h.silences.note(st.ID, err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held[st.ID] = &voice{said, addr}
}

// gather pulls what this store lacks, and looks at what it holds then. It may have dropped meanwhile what it held when the round began, as
// its replicas hold it too: then it pulls again. Whose batches are not all there after that counts as silent (P4).
func (h *hearing) gather(ctx context.Context, known Known) (*Reading, error) {
	for again := false; ; again = true {
		h.pull(ctx)
		found, err := h.r.look(h.slice, known)
		if err != nil {
			return nil, err
		}
		h.held[h.self.ID].Digest = found.Shown
		missed := maps.Clone(h.held)
		maps.DeleteFunc(missed, func(_ roster.StoreID, v *voice) bool { return !found.Shown.Lacks(v.Digest) })
		if len(missed) == 0 || h.r.Disabled.Has(safeguard.ShowHeard) {
			return found, nil
		}
		if again {
			maps.DeleteFunc(h.held, func(id roster.StoreID, _ *voice) bool { return missed[id] != nil })
			return found, nil
		}
	}
}

// pull fetches what other stores hold and this one lacks. A store that fails at it counts as silent.
func (h *hearing) pull(ctx context.Context) {
	own := h.held[h.self.ID].Digest
	for _, id := range slices.Sorted(maps.Keys(h.held)) {
		v := h.held[id]
		if v.addr == "" || !own.Lacks(v.Digest) {
			continue
		}
		if err := h.r.fetch(ctx, v.addr, h.slice, own, nil); err != nil {
			h.r.Log.Debug("pull for a read", "slice", h.slice, "from", v.From.Name, "error", err)
			delete(h.held, id)
			continue
		}
		own = own.Union(v.Digest)
	}
}

// push puts every batch of shown that is on fewer than W stores on more of them, as far as that is possible.
func (h *hearing) push(ctx context.Context, shown digest.Digest) {
	under := h.under(shown)
	for _, v := range h.voices() {
		if under.Empty() {
			return
		}
		lacks := under.Minus(v.Digest)
		if v.addr == "" || lacks.Empty() || !h.r.counts(v.From) || h.silences.has(v.From.ID) {
			continue
		}
		if err := h.give(ctx, v, shown.Minus(lacks)); err != nil {
			h.silences.note(v.From.ID, err)
			h.r.Log.Debug("push for a read", "slice", h.slice, "to", v.From.Name, "error", err)
			continue
		}
		v.Digest = v.Digest.Union(lacks)
		under = h.under(shown)
	}
}

// give gives a store what is held here and have lacks.
func (h *hearing) give(ctx context.Context, to *voice, have digest.Digest) error {
	from, err := h.r.Peers.Give(ctx, to.addr, h.slice, func(fn func(frame []byte) error) error {
		return h.r.Store.Missing(h.slice, have, fn)
	})
	return answered(to.From, from, err)
}

// under returns the dots of shown that fewer than W stores hold.
func (h *hearing) under(shown digest.Digest) digest.Digest {
	if h.r.Disabled.Has(safeguard.PushBack) {
		return digest.Digest{}
	}
	return shown.Minus(h.covered(shown))
}

// voices returns who was heard, the slice's replicas first: that is where batches belong.
func (h *hearing) voices() []*voice {
	all := slices.Collect(maps.Values(h.held))
	order := map[string]int{}
	for i, name := range h.ring.Candidates(h.slice) {
		order[name] = i + 1
	}
	rank := func(v *voice) int {
		if n := order[v.From.Name]; n > 0 {
			return n
		}
		return len(order) + 1
	}
	slices.SortFunc(all, func(a, b *voice) int { return rank(a) - rank(b) })
	return all
}

// covered returns the dots of shown that at least W of the stores that count hold. at[j] are those that j of the stores seen so
// far hold.
func (h *hearing) covered(shown digest.Digest) digest.Digest {
	at := make([]digest.Digest, h.r.Quorum+1)
	at[0] = shown
	for _, v := range h.held {
		if !h.r.counts(v.From) || h.away && v.addr == "" {
			continue
		}
		for j := h.r.Quorum; j > 0; j-- {
			both := at[j-1].Minus(at[j-1].Minus(v.Digest))
			at[j] = at[j].Union(both)
		}
	}
	return at[h.r.Quorum]
}

// level judges the round by the roster as merged from all answers.
func (h *hearing) level(shown digest.Digest) (contract.Completeness, []string) {
	silent := h.silent()
	if h.r.Disabled.Has(safeguard.AskEverybody) {
		return contract.Complete, nil
	}
	all := len(silent) < h.r.Quorum && h.established() >= h.r.Quorum && h.r.counts(h.self) && !h.r.doubtful(h.slice)
	switch {
	case all && h.under(shown).Empty():
		return contract.Complete, silent
	case all, h.replicasHeard() >= h.r.Copies-h.r.Quorum+1:
		return contract.Unproven, silent
	}
	return contract.Partial, silent
}

// silent returns the labels of the stores that were not heard, but for those known to be forgotten when the round began: what a store
// that this one learnt to be forgotten only since then held may have been secured on a store after that had answered.
func (h *hearing) silent() []string {
	all := h.r.Cluster.Roster()
	var silent []roster.Store
	for _, st := range all.All() {
		before, known := h.begun.Get(st.ID)
		if st.Forgotten && (known && before.Forgotten || h.r.Disabled.Has(safeguard.BegunRoster)) {
			continue
		}
		if v := h.held[st.ID]; v == nil || v.Recovering {
			silent = append(silent, st)
		}
	}
	return labels(all, silent)
}

// established returns how many of the stores that were heard count.
func (h *hearing) established() int {
	n := 0
	for _, v := range h.held {
		if h.r.counts(v.From) && !v.Recovering {
			n++
		}
	}
	return n
}

// replicasHeard returns how many of the slice's own replicas answered; 0 if one of them is still taking the slice over.
func (h *hearing) replicasHeard() int {
	n := 0
	for _, v := range h.held {
		if !h.r.counts(v.From) || !h.r.replica(h.ring, h.slice, v.From.Name) {
			continue
		}
		if v.TakingOver {
			return 0
		}
		n++
	}
	return n
}
