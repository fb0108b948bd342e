package proof

import (
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

// Reply is a store's answer in a round.
type Reply struct {
	DigestReply
	Addr string // "" for the asking store
}

// Cluster is a node's present knowledge about the cluster.
type Cluster interface {
	Self() roster.Store
	Roster() roster.Roster
	Ring() *ring.Ring
}

// Rule is the rule by which rounds are judged.
type Rule struct {
	Cluster  Cluster
	Copies   int           // R
	Quorum   int           // W
	Disabled safeguard.Set // safeguards disabled by a test
}

// Counts reports whether the acks and digests of a store count: by the present roster, or by the store's own answer,
// it is established, and it is neither leaving nor forgotten.
func (r *Rule) Counts(from roster.Store) bool {
	s, ok := r.Cluster.Roster().Get(from.ID)
	return ok && !s.Forgotten && !s.Leaving && (s.Established || from.Established)
}

// Proves reports whether each acknowledged batch is on W stores at least, by the present roster. Otherwise fewer than W
// silent stores may have all copies of a batch, and no answer is complete (decision 0021).
func (r *Rule) Proves() bool {
	return r.Cluster.Roster().Proves(r.Quorum) || r.Disabled.Has(safeguard.ProvenReads)
}

// IsReplica reports whether a member is one of the R replicas of a slice by a ring.
func (r *Rule) IsReplica(on *ring.Ring, s flow.Slice, name string) bool {
	names := on.Candidates(s)
	return slices.Contains(names[:min(r.Copies, len(names))], name)
}

// Round is the knowledge of the asking node at the beginning of a round of questions.
type Round struct {
	*Rule
	Self  roster.Store
	Ring  *ring.Ring
	Begun roster.Roster
}

// Begin begins a round of questions.
func (r *Rule) Begin() Round { return Round{r, r.Cluster.Self(), r.Cluster.Ring(), r.Cluster.Roster()} }

// AskOthers calls ask for every other store of the roster side by side, then for every store that the answers add to
// the roster, until none is left.
func (r *Round) AskOthers(ask func(roster.Store)) {
	asked := map[roster.StoreID]bool{r.Self.ID: true}
	for before := 0; before < len(asked); {
		before = len(asked)
		var wg sync.WaitGroup
		for _, st := range r.Cluster.Roster().Stores() {
			if !asked[st.ID] {
				asked[st.ID] = true
				wg.Go(func() { ask(st) })
			}
		}
		wg.Wait()
	}
}

// Replies are the answers of a round about one slice, by store.
type Replies struct {
	Round
	Slice       flow.Slice
	All         map[roster.StoreID]*Reply // the asking store's included
	ExcludeSelf bool                      // the asking store is about to go, so its copies do not count
}

// UnderReplicated returns the dots of shown on fewer than W stores.
func (r *Replies) UnderReplicated(shown digest.Digest) digest.Digest {
	if r.Disabled.Has(safeguard.PushBack) {
		return digest.Digest{}
	}
	return shown.Minus(r.OnQuorum(shown))
}

// OnQuorum returns the dots of shown on at least W counting stores. at[j] has the dots on j of the stores so far.
func (r *Replies) OnQuorum(shown digest.Digest) digest.Digest {
	at := make([]digest.Digest, r.Quorum+1)
	at[0] = shown
	for _, v := range r.All {
		if !r.Counts(v.From) || r.ExcludeSelf && v.Addr == "" {
			continue
		}
		for j := r.Quorum; j > 0; j-- {
			at[j] = at[j].Union(at[j-1].Intersect(v.Digest))
		}
	}
	return at[r.Quorum]
}

// Completeness judges the shown batches by the roster as merged from all answers. doubtful says that the asking store
// proves nothing about the slice. It also returns the labels of the silent stores.
func (r *Replies) Completeness(shown digest.Digest, doubtful bool) (contract.Completeness, []string) {
	silent := r.Silent()
	if r.Disabled.Has(safeguard.AskEverybody) {
		return contract.Complete, nil
	}
	enough := len(silent) < r.Quorum && r.countVoters() >= r.Quorum && r.Counts(r.Self) && !doubtful && r.Proves()
	switch {
	case enough && r.UnderReplicated(shown).Empty():
		return contract.Complete, silent
	case enough, r.countReplicas() >= r.Copies-r.Quorum+1:
		return contract.Unproven, silent
	}
	return contract.Partial, silent
}

// Silent returns the labels of the silent stores, without the stores forgotten before the round began. A store that is
// forgotten during the round, or of which the news comes then, counts as silent: its batches may have been secured on
// another store after that one had answered.
func (r *Replies) Silent() []string {
	now := r.Cluster.Roster()
	var silent []roster.Store
	for _, st := range now.All() {
		before, known := r.Begun.Get(st.ID)
		if st.Forgotten && (known && before.Forgotten || r.Disabled.Has(safeguard.BegunRoster)) {
			continue
		}
		if v := r.All[st.ID]; v == nil || v.Recovering {
			silent = append(silent, st)
		}
	}
	return now.Labels(silent)
}

// countVoters returns the number of stores whose replies count.
func (r *Replies) countVoters() int {
	n := 0
	for _, v := range r.All {
		if r.Counts(v.From) && !v.Recovering {
			n++
		}
	}
	return n
}

// countReplicas returns the number of the slice's own replicas that answered. It returns 0 if one of them still takes
// the slice over.
func (r *Replies) countReplicas() int {
	n := 0
	for _, v := range r.All {
		if !r.Counts(v.From) || !r.IsReplica(r.Ring, r.Slice, v.From.Name) {
			continue
		}
		if v.TakingOver {
			return 0
		}
		n++
	}
	return n
}
