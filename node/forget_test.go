package node

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"flowring/internal/compat"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/node/directory"
	"flowring/node/membership"
	"flowring/node/peer"
	"flowring/node/quorum"
	"flowring/ring/roster"
)

// town is a node with a roster of stores a (its own), b, c, ..., and with the replies to a round of heartbeats.
type town struct {
	*Node
	stores map[string]roster.Store
	heard  replies
}

// noJournal saves nothing.
type noJournal struct{}

func (noJournal) State(string) ([]byte, error)      { return nil, nil }
func (noJournal) SetState(string, []byte) error     { return nil }
func (noJournal) RaiseVersion(compat.Version) error { return nil }

// newTown returns a town of n established stores that all answer.
func newTown(t *testing.T, n, w int, disabled safeguard.Set) *town {
	t.Helper()
	m, err := membership.Open(membership.Config{Name: "a", Slices: 1}, membership.Deps{Journal: noJournal{}, Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		err = m.AdoptCluster("c1")
	}
	if err != nil {
		t.Fatal(err)
	}
	cfg := Default("a")
	cfg.ReplicationFactor, cfg.WriteQuorum = w, w
	guard := quorum.New(quorum.Config{Quorum: w, Disabled: disabled}, quorum.Deps{Membership: m})
	p := &town{
		Node:   &Node{cfg: cfg, membership: m, quorum: guard, deps: Deps{Disabled: disabled}, directory: directory.New()},
		stores: map[string]roster.Store{"a": m.Self()}, heard: replies{},
	}
	for i := range n {
		p.say(t, string(rune('a'+i)), func(s *roster.Store) { s.Established = true })
	}
	for _, s := range p.stores {
		p.hear(s.Name)
	}
	return p
}

// say changes the roster's entry of a store. It adds a new store.
func (p *town) say(t *testing.T, name string, change func(*roster.Store)) {
	t.Helper()
	s, ok := p.stores[name]
	if !ok {
		s = roster.Store{ID: roster.NewStoreID(), Name: name}
	}
	change(&s)
	p.stores[name] = s
	if err := p.membership.Mark(s); err != nil {
		t.Fatal(err)
	}
}

// hear makes stores answer with this node's whole roster.
func (p *town) hear(names ...string) {
	for _, name := range names {
		if s := p.stores[name]; name != "a" {
			p.heard[s.ID] = peer.Hello{Store: s, Roster: p.membership.Roster()}
		}
	}
}

func (p *town) silence(names ...string) {
	for _, name := range names {
		delete(p.heard, p.stores[name].ID)
	}
}

// The guard of Forget: every store but W-2 must answer, and W that count must be left (P4).
func TestTheGuardOfForgetting(t *testing.T) {
	for _, tt := range []struct {
		name      string
		n, quorum int
		spoil     func(t *testing.T, p *town) // the last of the n stores is silent and to be forgotten
		disabled  safeguard.Set
		force     bool
		want      string // part of the refusal; "": forgetting is allowed
	}{
		{name: "W=1 never", n: 3, quorum: 1, want: "the write quorum is 1"},
		{name: "W=1 by force", n: 3, quorum: 1, force: true},
		{name: "W=2, all others answer", n: 3, quorum: 2},
		{name: "W=2, one other is silent", n: 4, quorum: 2, spoil: silent("b"), want: "no answer from [b]"},
		{name: "W=2, one other is silent, by force", n: 4, quorum: 2, spoil: silent("b"), force: true},
		{name: "W=3, one other is silent", n: 5, quorum: 3, spoil: silent("b")},
		{name: "W=3, two others are silent", n: 6, quorum: 3, spoil: silent("b", "c"), want: "no answer from"},
		{name: "too few would be left", n: 2, quorum: 2, want: "1 established stores would be left"},
		{name: "one that is left does not count yet", n: 3, quorum: 2, spoil: func(t *testing.T, p *town) {
			p.say(t, "b", func(s *roster.Store) { s.Leaving = true })
		}, want: "1 established stores would be left"},
		{name: "one that is not established is silent", n: 3, quorum: 2, spoil: func(t *testing.T, p *town) {
			p.say(t, "x", func(*roster.Store) {})
		}, want: "no answer from [x]"},
		{name: "one that is forgotten is silent", n: 3, quorum: 2, spoil: func(t *testing.T, p *town) {
			p.say(t, "x", func(s *roster.Store) { s.Forgotten = true })
		}},
		{name: "this node is leaving", n: 4, quorum: 2, spoil: func(t *testing.T, p *town) {
			p.say(t, "a", func(s *roster.Store) { s.Leaving = true })
		}, want: "ask another node"},
		{name: "negative control: a majority would do", n: 5, quorum: 2, spoil: silent("b"), disabled: safeguard.ForgetGuard},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTown(t, tt.n, tt.quorum, tt.disabled)
			gone := p.stores[string(rune('a'+tt.n-1))]
			p.silence(gone.Name)
			if tt.spoil != nil {
				tt.spoil(t, p)
			}
			err := p.quorum.CheckForget(gone, p.heard, tt.force)
			if (err == nil) != (tt.want == "") || err != nil && (!errors.Is(err, contract.Guarded) || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("CheckForget = %v, want %q", err, tt.want)
			}
		})
	}
}

func silent(names ...string) func(*testing.T, *town) {
	return func(_ *testing.T, p *town) { p.silence(names...) }
}

// Exactly one node must forget a lost store, and neither a leaving store nor one before its establishment may do it.
func TestTheLowestEstablishedNameForgetsOthers(t *testing.T) {
	established := func(name string) roster.Store { return roster.Store{Name: name, Established: true} }
	leaving := func(name string) roster.Store { return roster.Store{Name: name, Established: true, Leaving: true} }
	joining := func(name string) roster.Store { return roster.Store{Name: name} }
	for _, tt := range []struct {
		name  string
		self  roster.Store
		heard []roster.Store
		want  bool
	}{
		{"the lowest name", established("a"), []roster.Store{established("b"), established("c")}, true},
		{"a higher name", established("b"), []roster.Store{established("a"), established("c")}, false},
		{"the lowest of those that are not leaving", established("b"), []roster.Store{leaving("a"), established("c")}, true},
		{"the lowest of those that are established", established("b"), []roster.Store{joining("a"), established("c")}, true},
		{"one that is leaving", leaving("a"), []roster.Store{established("b")}, false},
		{"one that is not established", joining("a"), []roster.Store{established("b")}, false},
		{"the only one", established("a"), nil, true},
	} {
		heard := replies{}
		for _, s := range tt.heard {
			heard[roster.NewStoreID()] = peer.Hello{Store: s}
		}
		if got := new(Node).isForgetter(tt.self, heard); got != tt.want {
			t.Errorf("%s: isForgetter = %t, want %t", tt.name, got, tt.want)
		}
	}
}
