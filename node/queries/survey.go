package queries

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/node/peer/wire"
	"flowring/node/replica/proof"
	"flowring/ring/roster"
	"flowring/store/digest"
)

// survey is the digests of all stores about the slices of a range: one round of questions.
type survey struct {
	proof.Round
	q        *Queries
	from, to flow.Hour

	mu      sync.Mutex // guards the fields below while stores are asked
	stores  map[roster.StoreID]*surveyed
	expired bool // a store said that hours of the range have expired
}

// surveyed is the answer of one store.
type surveyed struct {
	from     roster.Store
	addr     string // "" for this store
	doubtful bool
	slices   map[flow.Slice]*wire.SliceDigest
}

// surveyTime is the time for the digests of all stores. Copies may move during a query, and a copy outlives the
// confirmation of its replicas by DropAfter of package replica, which is longer. Therefore no batch is missed by all of
// the digests (P4).
const surveyTime = 4 * time.Second

// storeTime is the time for the digests of one store.
const storeTime = 3 * time.Second

// surveyOf asks every store of the roster for its digests.
func (q *Queries) surveyOf(ctx context.Context, from, to flow.Hour) (*survey, error) {
	s := &survey{Round: q.Replicas.Rule().Begin(), q: q, from: from, to: to, stores: map[roster.StoreID]*surveyed{}}
	ctx, cancel := context.WithTimeout(ctx, surveyTime)
	defer cancel()
	own, err := q.Digests(ctx, from, to)
	switch {
	case errors.Is(err, contract.Expired):
		return nil, errClipped
	case err != nil:
		return nil, err
	}
	s.add(s.Self, "", own)
	if !q.Disabled.Has(safeguard.AskEverybody) {
		s.AskOthers(func(st roster.Store) { s.ask(ctx, st) })
	}
	return s, nil
}

// ask asks one store. Without an answer the store is silent. If another store answers at the address, this one is
// silent.
func (s *survey) ask(ctx context.Context, st roster.Store) {
	if !s.q.Replicas.Reachable(st.ID) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	addr := s.q.Replicas.Cluster.Addr(st.ID)
	from, digests, err := s.q.Client.Digests(ctx, addr, s.from, s.to)
	switch {
	case errors.Is(err, contract.Expired):
		s.mu.Lock()
		defer s.mu.Unlock()
		s.expired = true
	case err == nil && from.ID == st.ID:
		s.add(from, addr, digests)
	}
}

func (s *survey) add(from roster.Store, addr string, d wire.Digests) {
	answer := &surveyed{from: from, addr: addr, doubtful: d.Doubtful,
		slices: make(map[flow.Slice]*wire.SliceDigest, len(d.Slices))}
	for i := range d.Slices {
		if slice := &d.Slices[i]; s.contains(slice.Slice) {
			answer.slices[slice.Slice] = slice
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stores[from.ID] = answer
}

// contains reports whether a slice is one of the range, and not erased.
func (s *survey) contains(slice flow.Slice) bool {
	return s.from <= slice.Hour && slice.Hour < s.to && int(slice.Index) < s.q.Slices && !s.q.Replicas.Expired(slice.Hour)
}

// held returns the slices of which a store holds batches, or cannot read its batches, in order.
func (s *survey) held() []flow.Slice {
	all := map[flow.Slice]bool{}
	for _, st := range s.stores {
		for slice, d := range st.slices {
			if !d.Digest.Empty() || d.Doubtful {
				all[slice] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(all), flow.Slice.Compare)
}

// Census counts the batches of a range, and names them by a hash.
func (q *Queries) Census(ctx context.Context, from, to flow.Hour) (batches uint64, sum [32]byte, err error) {
	s, err := q.surveyOf(ctx, from, to)
	if err != nil {
		return 0, sum, err
	}
	text := []byte("census/1")
	for _, slice := range s.held() {
		var union digest.Digest
		for _, r := range s.replies(slice).All {
			union = union.Union(r.Digest)
		}
		batches += union.Count()
		all := union.Sum()
		text = append(binary.AppendUvarint(binary.AppendVarint(text, int64(slice.Hour)), uint64(slice.Index)), all[:]...)
	}
	return batches, sha256.Sum256(text), nil
}

// replies returns the answers about one slice.
func (s *survey) replies(slice flow.Slice) *proof.Replies {
	r := &proof.Replies{Round: s.Round, Slice: slice, All: make(map[roster.StoreID]*proof.Reply, len(s.stores))}
	for id, st := range s.stores {
		reply := proof.DigestReply{From: st.from, Recovering: st.doubtful}
		if d := st.slices[slice]; d != nil {
			reply.Digest, reply.TakingOver = d.Digest, d.TakingOver
			reply.Recovering = reply.Recovering || d.Doubtful
		}
		r.All[id] = &proof.Reply{DigestReply: reply, Addr: st.addr}
	}
	return r
}

// judged is a slice that at least one store holds, and the judgement about the union of all digests.
type judged struct {
	slice        flow.Slice
	sum          [16]byte // of the union
	empty        bool     // the union has no batch
	settled      bool     // some store holds the union, and each dot of it is on W stores
	completeness contract.Completeness
	silent       []string
	stores       []*choice // from the best store to answer to the worst
}

// choice is a store that could answer for a slice.
type choice struct {
	*proof.Reply
	whole bool   // it holds the union
	lacks uint64 // dots of the union
	rank  int    // among the candidates of the slice
}

// judge judges a slice.
func (s *survey) judge(slice flow.Slice) *judged {
	replies := s.replies(slice)
	var union digest.Digest
	for _, r := range replies.All {
		union = union.Union(r.Digest)
	}
	j := &judged{slice: slice, sum: union.Sum(), empty: union.Empty()}
	j.completeness, j.silent = replies.Completeness(union, replies.All[s.Self.ID].Recovering)
	j.stores = s.choices(replies, union)
	for _, c := range j.stores {
		j.settled = j.settled || c.whole && s.Counts(c.From)
	}
	j.settled = j.settled && replies.UnderReplicated(union).Empty()
	return j
}

// choices returns the stores that could answer for a slice, the best one first: whole ones, then those that lack
// least; stores that count before others; at last in the order of the candidates.
func (s *survey) choices(replies *proof.Replies, union digest.Digest) []*choice {
	names := s.Ring.Candidates(replies.Slice)
	var all []*choice
	for _, r := range replies.All {
		c := &choice{Reply: r, whole: r.Digest.Equal(union), rank: slices.Index(names, r.From.Name)}
		if c.rank < 0 {
			c.rank = len(names)
		}
		if !c.whole {
			c.lacks = union.Minus(r.Digest).Count()
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *choice) int {
		switch {
		case a.lacks != b.lacks:
			return compare(a.lacks < b.lacks)
		case s.proves(a) != s.proves(b):
			return compare(s.proves(a))
		case a.rank != b.rank:
			return compare(a.rank < b.rank)
		}
		return compare(a.From.ID < b.From.ID)
	})
	return all
}

// proves reports whether a store can prove that its own round is complete.
func (s *survey) proves(c *choice) bool { return s.Counts(c.From) && !c.Recovering }

func compare(less bool) int {
	if less {
		return -1
	}
	return 1
}

// emptySlices judges the slices of the range that no store holds. It returns the least completeness of them, and the
// labels of the silent stores.
func (s *survey) emptySlices(held []flow.Slice) (least contract.Completeness, silent []string) {
	least = contract.Complete
	for hour := s.from; hour < s.to; hour++ {
		for index := range s.q.Slices {
			slice := flow.Slice{Hour: hour, Index: uint32(index)}
			if _, found := slices.BinarySearchFunc(held, slice, flow.Slice.Compare); found {
				continue
			}
			replies := s.replies(slice)
			completeness, names := replies.Completeness(digest.Digest{}, replies.All[s.Self.ID].Recovering)
			if completeness == contract.Complete || completeness == contract.Partial {
				// Neither depends on the slice: a complete one needs no batch, and a partial one is the least.
				return min(least, completeness), names
			}
			least, silent = completeness, names
		}
	}
	return least, silent
}
