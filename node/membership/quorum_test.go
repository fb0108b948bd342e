package membership

import (
	"errors"
	"testing"

	"flowring/internal/compat"
	"flowring/ring/roster"
)

// The proven quorum is on disk before a node acts on it. It changes only if it is as its caller saw it.
func TestTheProvenQuorumIsOnDiskFirst(t *testing.T) {
	d := &diary{}
	m := founded(t, d, compat.Newest)
	none := roster.Quorum{}
	if err := errors.Join(m.TurnOn(compat.Version(compat.Proven)-1), m.SetQuorum(none, 2)); err != nil || m.Roster().Quorum() != none {
		t.Fatalf("SetQuorum before its version is on = %v, quorum %v, want none", err, m.Roster().Quorum())
	}
	if err := m.TurnOn(compat.Newest); err != nil {
		t.Fatal(err)
	}
	d.write = func() {
		if got := m.Roster().Quorum(); got != none {
			t.Errorf("the node acts on %v before the write, want none", got)
		}
	}
	first := roster.Quorum{Changes: 1, Stores: 2}
	if err := m.SetQuorum(none, 2); err != nil || m.Roster().Quorum() != first {
		t.Fatalf("SetQuorum = %v, quorum %v, want %v", err, m.Roster().Quorum(), first)
	}
	d.write = nil
	if err := m.SetQuorum(none, 3); !errors.Is(err, ErrQuorumChanged) {
		t.Errorf("SetQuorum of an old value = %v, want %v", err, ErrQuorumChanged)
	}
	d.fail = errors.New("disk")
	if err := m.SetQuorum(first, 3); !errors.Is(err, d.fail) || m.Roster().Quorum() != first {
		t.Errorf("SetQuorum on a failing disk = %v, quorum %v, want its error and %v", err, m.Roster().Quorum(), first)
	}
	d.fail = nil
	if got := opened(t, d).Roster().Quorum(); got != first {
		t.Errorf("quorum after a restart is %v, want %v", got, first)
	}
}
