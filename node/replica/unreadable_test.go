package replica

import (
	"fmt"
	"testing"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/store"
	"flowring/store/digest"
)

// damagedJournal is a journal with one damaged batch.
type damagedJournal struct {
	*memory
	bad flow.Dot
}

func (j damagedJournal) Get(s flow.Slice, d flow.Dot) ([]byte, error) {
	if d == j.bad {
		return nil, store.ErrUnreadable
	}
	return j.memory.Get(s, d)
}

func (j damagedJournal) Load(flow.Slice, func([]byte) error) error { return store.ErrUnreadable }

// damage gives a site a store with a batch of a slice that the store cannot read. The store detects the damage.
func (w *world) damage(t *testing.T, name string, b *flow.Batch) {
	t.Helper()
	s := w.sites[name]
	readable := s.held
	s.held = store.New(store.Config{}, store.Deps{Journal: damagedJournal{newMemory(), b.Dot}})
	if err := readable.Missing(b.Slice, digest.Digest{}, s.keep); err != nil {
		t.Fatal(err)
	}
	s.put(t, b)
	if _, err := s.held.Scrub(b.Slice); err != nil || s.held.Unreadable(b.Slice) != 1 {
		t.Fatalf("Scrub of %s = %v, %d batches unreadable, want 1", name, err, s.held.Unreadable(b.Slice))
	}
}

// A store with unreadable batches of an hour counts as silent in reads of that hour (P4): the store that reads, and
// each store that it asks. Without the safeguard the reading claims to be complete, though it lacks a batch that is on
// W stores.
func TestAStoreThatCannotReadABatchCountsAsSilent(t *testing.T) {
	for _, tt := range []struct {
		name    string
		damaged []string // stores with an unreadable batch of the hour
		level   contract.Completeness
		silent  string
	}{
		{"the store that reads", []string{"a"}, contract.Unproven, "[a]"},
		{"one asked store", []string{"e"}, contract.Complete, "[e]"},
		{"W asked stores", []string{"d", "e"}, contract.Unproven, "[d e]"},
		{"W replicas", []string{"b", "c"}, contract.Unproven, "[b c]"},
	} {
		for _, off := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, the safeguard is off: %t", tt.name, off), func(t *testing.T) {
				w := newWorld("a", "b", "c", "d", "e")
				s := w.sliceOf(t, "a", "b", "c")
				for _, name := range []string{"a", "b", "c"} {
					w.sites[name].put(t, batchOf(t, s, dot(1), 1))
				}
				cfg := Config{Copies: 3, Quorum: 2}
				if off {
					cfg.Disabled = safeguard.Unreadable
					tt.level, tt.silent = contract.Complete, "[]"
				}
				for _, name := range tt.damaged {
					w.damage(t, name, batchOf(t, s, dot(2), 2))
					w.sites[name].recovering = w.doubtful(t, name, cfg, s)
				}
				got, err := w.replicas(t, cfg).Read(t.Context(), s, nil)
				if err != nil {
					t.Fatal(err)
				}
				if got.Completeness != tt.level || show(got.Silent) != tt.silent {
					t.Errorf("Read = level %d, silent %v, want %d, %s", got.Completeness, got.Silent, tt.level, tt.silent)
				}
				if len(tt.damaged) > 1 && total(got) != 1 { // the acknowledged batch cannot be read anywhere
					t.Errorf("total = %d, want 1: only the readable batch", total(got))
				}
			})
		}
	}
}

// doubtful reports whether the node of this name counts its own store as silent in its answer to a poll.
func (w *world) doubtful(t *testing.T, name string, cfg Config, s flow.Slice) bool {
	t.Helper()
	of := &world{roster: w.Roster(), sites: w.sites, self: name}
	reply, err := of.replicas(t, cfg).DigestReply(s)
	if err != nil {
		t.Fatal(err)
	}
	return reply.Recovering
}
