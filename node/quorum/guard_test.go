package quorum

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"flowring/internal/compat"
	"flowring/internal/racetest"
	"flowring/internal/safeguard"
	"flowring/node/membership"
	"flowring/node/peer"
	"flowring/ring/roster"
)

// disk is a journal that may fail.
type disk struct{ fail error }

func (d *disk) State(string) ([]byte, error)      { return nil, nil }
func (d *disk) SetState(string, []byte) error     { return d.fail }
func (d *disk) RaiseVersion(compat.Version) error { return nil }

// world is a Guard of store a with W, in a cluster of the established stores a, b and c that all answer.
type world struct {
	*Guard
	disk    disk
	log     strings.Builder
	heard   Replies
	secured int          // calls of Secure
	secure  func() error // the result of Secure; nil: it succeeds
}

func newWorld(t *testing.T, w int, on compat.Version, disabled safeguard.Set) *world {
	t.Helper()
	x := &world{heard: Replies{}}
	m, err := membership.Open(membership.Config{Name: "a", Slices: 1}, membership.Deps{Journal: &x.disk, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	self := m.Self()
	self.Established = true
	if err := errors.Join(m.FoundCluster(), m.Mark(self), m.TurnOn(on)); err != nil {
		t.Fatal(err)
	}
	x.Guard = New(Config{"a", w, disabled}, Deps{
		Membership: m, Log: slog.New(slog.NewTextHandler(&x.log, nil)),
		Heartbeats: func(context.Context) Replies { return x.heard },
		Secure: func(context.Context, Replies) error {
			x.secured++
			if x.secure != nil {
				return x.secure()
			}
			return nil
		},
	})
	x.join(t, "b", true)
	x.join(t, "c", true)
	return x
}

// join adds a store to the roster, and to the stores that answer.
func (x *world) join(t *testing.T, name string, answers bool) {
	t.Helper()
	s := roster.Store{ID: roster.NewStoreID(), Name: name, Established: true}
	if err := x.deps.Membership.Mark(s); err != nil {
		t.Fatal(err)
	}
	if answers {
		x.heard[s.ID] = peer.Hello{Store: s}
	}
}

// set sets the proven quorum of the roster.
func (x *world) set(t *testing.T, stores int) {
	t.Helper()
	if err := x.deps.Membership.SetQuorum(x.deps.Membership.Roster().Quorum(), stores); err != nil {
		t.Fatal(err)
	}
}

func (x *world) stores() int { return x.deps.Membership.Roster().Quorum().Stores }

// A ready node keeps W on a roster that has no proven quorum or a larger one, and takes no write before the fall. It never
// raises the proven quorum without a proof (P4).
func TestAReadyNodeLowersTheProvenQuorum(t *testing.T) {
	for _, tt := range []struct {
		name   string
		on     compat.Version
		proven int // on the roster; 0: none
		want   int // after Settle
		writes bool
		fail   error
	}{
		{"none yet", 3, 0, 2, true, nil},
		{"none yet, before its version is on", 2, 0, 0, true, nil},
		{"the same", 3, 2, 2, true, nil},
		{"W has fallen", 3, 3, 2, false, nil},
		{"W has fallen, and the disk fails", 3, 3, 3, false, errors.New("disk")},
		{"W has risen", 3, 1, 1, true, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := newWorld(t, 2, tt.on, 0)
			if tt.proven > 0 {
				x.set(t, tt.proven)
			}
			if err := x.CheckWrite(); (err == nil) != tt.writes {
				t.Errorf("CheckWrite = %v before Settle, want nil: %t", err, tt.writes)
			}
			x.disk.fail = tt.fail
			x.Settle()
			if got := x.stores(); got != tt.want {
				t.Errorf("the proven quorum is %d, want %d", got, tt.want)
			}
			if err := x.CheckWrite(); (err == nil) != (tt.fail == nil) {
				t.Errorf("CheckWrite = %v after Settle", err)
			}
			if tt.fail != nil && !strings.Contains(x.log.String(), `msg="proven quorum" error=`) {
				t.Errorf("log = %q, want the error of the disk", x.log.String())
			}
		})
	}
}

// A store that does not count, here because it left and joins anew, keeps and proves no W.
func TestAStoreThatDoesNotCountChangesNothing(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		for _, proven := range []int{0, 1, 3} {
			x := newWorld(t, 2, 3, 0)
			if proven > 0 {
				x.set(t, proven)
			}
			self := x.deps.Membership.Self()
			self.Leaving = true
			if err := x.deps.Membership.Mark(self); err != nil || x.deps.Membership.Self().Counts() {
				t.Fatalf("Mark = %v, and the store still counts", err)
			}
			x.Settle()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			x.Run(ctx)
			if x.stores() != proven || x.secured > 0 {
				t.Errorf("the proven quorum is %d after %d calls of Secure, want %d and none", x.stores(), x.secured, proven)
			}
		}
	})
}

// W is proven once all stores of the roster have secured their batches, those learnt meanwhile included (P4).
func TestWIsProvenByAllStoresOfTheRoster(t *testing.T) {
	for _, tt := range []struct {
		name     string
		spoil    func(t *testing.T, x *world)
		disabled safeguard.Set
		want     string // part of the error; "": proven
	}{
		{name: "all"},
		{name: "one is silent", spoil: func(t *testing.T, x *world) { x.join(t, "d", false) }, want: "no answer from d, whose batches may be on 1 stores only"},
		{name: "one cannot secure its batches", spoil: func(_ *testing.T, x *world) {
			x.secure = func() error { return errors.New("too few stores") }
		}, want: "too few stores"},
		{name: "one is learnt meanwhile", spoil: func(t *testing.T, x *world) {
			x.secure = func() error { x.join(t, "d", false); return nil }
		}, want: "no answer from d"},
		{name: "the proven quorum changes meanwhile", spoil: func(t *testing.T, x *world) {
			x.secure = func() error { x.set(t, 1); return nil }
		}, want: membership.ErrQuorumChanged.Error()},
		{name: "the disk fails", spoil: func(_ *testing.T, x *world) { x.disk.fail = errors.New("disk") }, want: "disk"},
		{name: "unguarded", spoil: func(t *testing.T, x *world) { x.join(t, "d", false) }, disabled: safeguard.ProvenByAll},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := newWorld(t, 3, 3, tt.disabled)
			x.set(t, 1)
			if x.Proven() != 1 || !x.Awaited() {
				t.Fatalf("Proven = %d, awaited: %t, want 1 and a proof", x.Proven(), x.Awaited())
			}
			if tt.spoil != nil {
				tt.spoil(t, x)
			}
			err := x.prove(t.Context())
			if tt.want == "" && (err != nil || x.stores() != 3 || x.Awaited() || x.secured != 1) {
				t.Errorf("prove = %v, proven quorum %d, %d calls of Secure, want 3 after one", err, x.stores(), x.secured)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || x.stores() != 1) {
				t.Errorf("prove = %v, proven quorum %d, want %q and 1", err, x.stores(), tt.want)
			}
		})
	}
}

// After a rise the guard of forgetting is that of the smaller W (P4).
func TestStoresAreForgottenByTheProvenQuorum(t *testing.T) {
	for _, tt := range []struct {
		name      string
		w, proven int
		silent    bool // one more store is silent
		disabled  safeguard.Set
		want      string // part of the refusal; "": forgetting is allowed
	}{
		{"W=2 is proven", 2, 2, false, 0, ""},
		{"W was 1", 2, 1, false, 0, "the write quorum was 1, and not every batch is on 2 stores yet"},
		{"W was 1, unguarded", 2, 1, false, safeguard.ProvenForget, ""},
		{"W=3 is proven, one more is silent", 3, 3, true, 0, ""},
		{"W was 2", 3, 2, false, 0, ""},
		{"W was 2, one more is silent", 3, 2, true, 0, "at a write quorum of 2, 0 may be silent"},
		{"W was 2, one more is silent, unguarded", 3, 2, true, safeguard.ProvenForget, ""},
		{"W has fallen", 2, 3, true, 0, "at a write quorum of 2, 0 may be silent"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := newWorld(t, tt.w, 3, tt.disabled)
			x.set(t, tt.proven)
			gone := roster.Store{ID: roster.NewStoreID(), Name: "gone", Established: true}
			if err := x.deps.Membership.Mark(gone); err != nil {
				t.Fatal(err)
			}
			if tt.silent {
				x.join(t, "d", false)
			}
			err := x.CheckForget(gone, x.heard, false)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("CheckForget = %v, want %q", err, tt.want)
			}
		})
	}
}
