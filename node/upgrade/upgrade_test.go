package upgrade

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flowring/internal/compat"
	"flowring/node/member"
	"flowring/node/membership"
	"flowring/ring/roster"
)

// folder keeps the state of a node in memory.
type folder map[string][]byte

func (f folder) State(name string) ([]byte, error) { return f[name], nil }

func (f folder) SetState(name string, value []byte) error {
	f[name] = value
	return nil
}

func (folder) RaiseVersion(compat.Version) error { return nil }

// established returns the State of an established store of node a, which speaks versions 1 and 2, beside another store.
func established(t *testing.T, other roster.Store) *membership.State {
	t.Helper()
	s, err := membership.Open(
		membership.Config{Name: "a", Slices: 1, Speaks: compat.Range{Oldest: 1, Newest: 2}},
		membership.Deps{Journal: folder{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	self := s.Self()
	self.Established = true
	if err := errors.Join(s.FoundCluster(), s.Mark(self), s.Mark(other)); err != nil {
		t.Fatal(err)
	}
	return s
}

// A store says its version once the programs of all other stores read it. A version turns on once each store of the
// roster and each live node speaks it.
func TestAVersionIsSaidAndTurnedOn(t *testing.T) {
	silent := roster.Store{ID: roster.NewStoreID(), Name: "b", Established: true}
	speaks := silent.Speaking(2)
	at := func(name, store, offer string) member.Node {
		return member.Node{Name: name, Store: store, Offer: offer}
	}
	for _, tt := range []struct {
		name  string
		other roster.Store
		live  []member.Node // beside a
		said  uint64        // words of a
		on    compat.Version
	}{
		{"the other store is absent, and has said nothing", silent, nil, 0, 1},
		{"its program is from before versions", silent, []member.Node{at("b", string(silent.ID), "")}, 0, 1},
		{"another store of its node runs", silent, []member.Node{at("b", "0a", "1/1-2")}, 0, 1},
		{"its program reads versions", silent, []member.Node{at("b", string(silent.ID), "1/1-2")}, 1, 1},
		{"it speaks the version", speaks, nil, 1, 2},
		{"it speaks the version, and a live node does not", speaks, []member.Node{at("c", "0c", "1/1-1")}, 1, 1},
		{"it speaks the version, and a live node is from before versions", speaks, []member.Node{at("c", "0c", "")}, 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := established(t, tt.other)
			u := Upgrade{State: s, Log: slog.New(slog.DiscardHandler)}
			self := at("a", string(s.Self().ID), "1/1-2")
			u.Step(&member.View{Nodes: append([]member.Node{self}, tt.live...)}, nil)
			if said := s.Self().Said; said != tt.said || s.Version() != tt.on {
				t.Errorf("the store has said %d versions, and version %d is on, want %d and %d", said, s.Version(), tt.said, tt.on)
			}
		})
	}
}

func TestTheStoresThatHoldAVersionBackAreLoggedRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		u := Upgrade{
			State: established(t, roster.Store{ID: roster.NewStoreID(), Name: "b", Established: true}),
			Log:   slog.New(slog.NewTextHandler(&log, nil)),
		}
		for range 2 * int(holdBackEvery/time.Second) {
			u.Step(&member.View{}, nil)
			time.Sleep(time.Second)
		}
		if n := strings.Count(log.String(), `msg="cluster version held back" version=2 on=1 stores=b`); n != 2 {
			t.Errorf("in 20 minutes the log has %d lines, want 2:\n%s", n, log.String())
		}
	})
}
