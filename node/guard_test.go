package node

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/node/directory"
	"flowring/node/membership"
	"flowring/node/peer"
	"flowring/ring/roster"
)

// town is a node with a roster of stores a (its own), b, c, ..., and who of them answers a greeting.
type town struct {
	*Node
	stores map[string]roster.Store
	heard  answers
}

// noJournal keeps nothing.
type noJournal struct{}

func (noJournal) State(string) ([]byte, error)  { return nil, nil }
func (noJournal) SetState(string, []byte) error { return nil }

// newTown returns n established stores that all answer.
func newTown(t *testing.T, n, quorum int, disabled safeguard.Set) *town {
	t.Helper()
	m, err := membership.Open(membership.Config{Name: "a", Slices: 1}, membership.Deps{Journal: noJournal{}, Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		err = m.AdoptCluster("c1")
	}
	if err != nil {
		t.Fatal(err)
	}
	cfg := Default("a")
	cfg.ReplicationFactor, cfg.WriteQuorum = quorum, quorum
	p := &town{
		Node:   &Node{cfg: cfg, membership: m, deps: Deps{Disabled: disabled}, directory: directory.New()},
		stores: map[string]roster.Store{"a": m.Self()}, heard: answers{},
	}
	for i := range n {
		p.say(t, string(rune('a'+i)), func(s *roster.Store) { s.Established = true })
	}
	for _, s := range p.stores {
		p.hear(s.Name)
	}
	return p
}

// say changes what the roster says of a store, adding it where it is new.
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

// hear makes a store answer with all that this node knows.
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
func TestForgetGuard(t *testing.T) {
	for _, tt := range []struct {
		name      string
		n, quorum int
		spoil     func(t *testing.T, p *town) // the last of the n stores is to be forgotten, and does not answer
		disabled  safeguard.Set
		force     bool
		want      string // part of the refusal; "": allowed
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
			err := p.mayForget(gone, p.heard, tt.force)
			if (err == nil) != (tt.want == "") || err != nil && (!errors.Is(err, contract.Guarded) || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("mayForget = %v, want %q", err, tt.want)
			}
		})
	}
}

func silent(names ...string) func(*testing.T, *town) {
	return func(_ *testing.T, p *town) { p.silence(names...) }
}

// When a store may count (P4): W established stores know it, or all answer and one of them is established.
func TestEstablishing(t *testing.T) {
	for _, tt := range []struct {
		name      string
		n, quorum int
		spoil     func(t *testing.T, p *town) // a joins the established stores b, c, ...
		disabled  safeguard.Set
		want      bool
	}{
		{name: "W of many know it", n: 5, quorum: 2, spoil: silent("b", "c"), want: true},
		{name: "fewer than W do", n: 5, quorum: 2, spoil: silent("b", "c", "d"), want: false},
		{name: "fewer than W are there, and all know it", n: 2, quorum: 3, spoil: silent(), want: true},
		{name: "nobody else is there", n: 1, quorum: 2, spoil: silent(), want: false},
		{name: "W answer, of whom one does not know it", n: 4, quorum: 2, spoil: func(_ *testing.T, p *town) {
			p.silence("d")
			p.heard[p.stores["b"].ID] = peer.Hello{Store: p.stores["b"]}
		}, want: false},
		{name: "W know it, of whom one is not established", n: 4, quorum: 2, spoil: func(_ *testing.T, p *town) {
			p.silence("d")
			hello := p.heard[p.stores["b"].ID]
			hello.Store.Established = false
			p.heard[hello.Store.ID] = hello
		}, want: false},
		{name: "W know it, of whom one is leaving", n: 4, quorum: 2, spoil: func(t *testing.T, p *town) {
			p.silence("d")
			p.say(t, "b", func(s *roster.Store) { s.Leaving = true })
		}, want: false},
		{
			name: "negative control: any confirmation would do", n: 5, quorum: 2, spoil: silent("b", "c", "d"),
			disabled: safeguard.Confirmation, want: true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTown(t, tt.n, tt.quorum, tt.disabled)
			tt.spoil(t, p)
			if got := p.mayEstablish(p.heard); got != tt.want {
				t.Errorf("mayEstablish = %t, want %t", got, tt.want)
			}
		})
	}
}

// Whatever may have stored something is answered as of unknown outcome, though a refusal be its cause (P3).
func TestPublicErrors(t *testing.T) {
	few := &contract.UnavailableError{Reason: "few", Stores: []string{"b"}}
	maybe := &contract.UnavailableError{Reason: "maybe", Err: contract.KeyReused}
	for _, tt := range []struct {
		name string
		err  error
		want string // Error of the result, "" for nil
		is   error  // exactly; nil: an *UnavailableError
	}{
		{"a key reused", fmt.Errorf("post: %w", contract.KeyReused), contract.KeyReused.Error(), contract.KeyReused},
		{"a key reused, by a peer", &peer.Error{Code: contract.KeyReused.Code()}, contract.KeyReused.Error(), contract.KeyReused},
		{"an overflow, by a peer", &peer.Error{Code: contract.Overflow.Code()}, contract.Overflow.Error(), contract.Overflow},
		{"too few stores", fmt.Errorf("x: %w", few), "few (no answer from b)", nil},
		{"a refusal after what may have had an effect", maybe, "maybe", nil},
		{"a peer that is busy", &peer.Error{Code: contract.Busy.Code(), Detail: "busy"}, "busy", nil},
		{
			"a peer that could not reach others", &peer.Error{Code: contract.Unavailable.Code(), Detail: "few", Stores: []string{"c"}},
			"few (no answer from c)", nil,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := publicError(tt.err)
			var unavailable *contract.UnavailableError
			switch {
			case got == nil || got.Error() != tt.want:
				t.Errorf("publicError(%v) = %v, want %s", tt.err, got, tt.want)
			case tt.is != nil && got != tt.is:
				t.Errorf("publicError(%v) is not %v itself", tt.err, tt.is)
			case tt.is == nil && !errors.As(got, &unavailable):
				t.Errorf("publicError(%v) = %T, want unavailable", tt.err, got)
			}
		})
	}
	if err := publicError(nil); err != nil {
		t.Errorf("publicError(nil) = %v", err)
	}
}

func TestGossipKeys(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		bytes      int
		want       string // part of the error
	}{
		{"16 bytes", "AAAAAAAAAAAAAAAAAAAAAA==\n", 16, ""},
		{"32 bytes", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 32, ""},
		{"15 bytes", "AAAAAAAAAAAAAAAAAAAA", 0, "15 bytes, want 16, 24 or 32"},
		{"not base64", "!", 0, "not base64"},
		{"empty", "", 0, "0 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			key, err := readKey(path)
			if len(key) != tt.bytes || (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("readKey(%q) = %d bytes, %v, want %d, %q", tt.text, len(key), err, tt.bytes, tt.want)
			}
			if err != nil && tt.text != "" && strings.Contains(err.Error(), tt.text) {
				t.Errorf("the error %q shows the key", err)
			}
		})
	}
	if _, err := readKey(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("readKey(no file) = %v, want that it does not exist", err)
	}
	if key, err := readKey(""); key != nil || err != nil {
		t.Errorf("readKey() = %v, %v, want no key", key, err)
	}
}

// Somebody must forget a lost store: not a node that is leaving or not established, for those may not, and not two.
func TestWhoForgetsOthers(t *testing.T) {
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
		heard := answers{}
		for _, s := range tt.heard {
			heard[roster.NewStoreID()] = peer.Hello{Store: s}
		}
		if got := new(Node).forgetsOthers(tt.self, heard); got != tt.want {
			t.Errorf("%s: forgetsOthers = %t, want %t", tt.name, got, tt.want)
		}
	}
}
