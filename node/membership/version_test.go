package membership

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"flowring/internal/compat"
	"flowring/ring/roster"
)

// speaking opens a State of a program that speaks versions 1 to newest.
func speaking(t *testing.T, d *diary, newest compat.Version) *State {
	t.Helper()
	m, err := Open(Config{Name: "a", Slices: 1, Speaks: compat.Range{Oldest: 1, Newest: newest}},
		Deps{Journal: d, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// founded opens an established store of a cluster.
func founded(t *testing.T, d *diary, newest compat.Version) *State {
	t.Helper()
	m := speaking(t, d, newest)
	self := m.Self()
	self.Established = true
	if err := errors.Join(m.FoundCluster(), m.Mark(self), m.Say(nobody)); err != nil {
		t.Fatal(err)
	}
	return m
}

// nobody runs a program that reads versions.
func nobody(roster.Store) bool { return false }

func TestAVersionIsTurnedOnOnceEveryStoreSpeaksIt(t *testing.T) {
	spoken := func(newest compat.Version) compat.Offer {
		return compat.Offer{Speaks: compat.Range{Oldest: 1, Newest: newest}}
	}
	for _, tt := range []struct {
		name   string
		others []roster.Store // beside a store that speaks version 3
		live   []compat.Offer
		want   compat.Version
	}{
		{"the only store", nil, nil, 3},
		{"a store that speaks less", []roster.Store{{Name: "b", Speaks: 2}}, nil, 2},
		{"a store that has never said a version", []roster.Store{{Name: "b"}, {Name: "c", Speaks: 3}}, nil, 1},
		{"a forgotten store", []roster.Store{{Name: "b", Forgotten: true}}, nil, 3},
		{"a store that is leaving", []roster.Store{{Name: "b", Leaving: true}}, nil, 1},
		{"a store that is not established", []roster.Store{{Name: "b", Speaks: 2}}, nil, 2},
		{"a live node whose store is not on the roster", nil, []compat.Offer{spoken(3), spoken(2)}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := founded(t, &diary{}, 3)
			for _, s := range tt.others {
				s.ID = roster.NewStoreID()
				if err := m.Mark(s); err != nil {
					t.Fatal(err)
				}
			}
			if got := m.Next(tt.live); got != tt.want {
				t.Errorf("Next = %d, want %d", got, tt.want)
			}
		})
	}
}

func TestAStoreThatDoesNotCountTurnsNothingOn(t *testing.T) {
	m := speaking(t, &diary{}, 3)
	if got := m.Next(nil); got != 1 {
		t.Errorf("Next of a store of no cluster = %d, want 1", got)
	}
	if err := errors.Join(m.AdoptCluster("c1"), m.Say(nobody)); err != nil {
		t.Fatal(err)
	}
	if spoken := m.Roster().Spoken(); spoken != 3 {
		t.Fatalf("the roster speaks version %d, want 3, so that this store alone holds the version back", spoken)
	}
	if got := m.Next(nil); got != 1 {
		t.Errorf("Next of a store that is not established = %d, want 1", got)
	}
}

// A version never falls, also if a store with an older program joins afterwards.
func TestAVersionStaysOn(t *testing.T) {
	d := &diary{}
	m := founded(t, d, 3)
	if err := errors.Join(m.TurnOn(2), m.Mark(someStore("b")), m.TurnOn(1)); err != nil {
		t.Fatal(err)
	}
	if got, next := m.Version(), m.Next(nil); got != 2 || next != 2 {
		t.Errorf("Version = %d, Next = %d, want 2", got, next)
	}
	if got := speaking(t, d, 2).Version(); got != 2 {
		t.Errorf("Version after a restart = %d, want 2", got)
	}
}

// A crash must not leave a folder that an older program opens while this node has acted on a newer version.
func TestTheFolderHasAVersionBeforeTheNodeActsOnIt(t *testing.T) {
	for name, turnOn := range map[string]func(m *State) error{
		"turned on here": func(m *State) error { return m.TurnOn(2) },
		"heard of another node": func(m *State) error {
			return m.MergeRoster(m.Roster().With(someStore("b")).WithVersion(2))
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := &diary{}
			m := founded(t, d, 2)
			d.write = func() {
				if d.version != 2 || m.Version() != 1 {
					t.Errorf("the folder has version %d, and the node acts on %d, want 2 and 1", d.version, m.Version())
				}
			}
			if err := turnOn(m); err != nil || m.Version() != 2 {
				t.Errorf("%v, version %d, want version 2", err, m.Version())
			}
			d.write, d.fail = nil, errors.New("disk")
			if err := m.change(func(r roster.Roster) (roster.Roster, error) { return r.WithVersion(3), nil }); err == nil || m.Version() != 2 {
				t.Errorf("on a failing disk: %v, version %d, want an error and version 2", err, m.Version())
			}
		})
	}
}

func TestANewerRosterIsRefusedWithBothVersions(t *testing.T) {
	newer := founded(t, &diary{}, 3)
	if err := newer.TurnOn(3); err != nil {
		t.Fatal(err)
	}
	d := &diary{}
	m := speaking(t, d, 2)
	if err := m.AdoptCluster(newer.Roster().Cluster()); err != nil {
		t.Fatal(err)
	}
	before := m.Roster()
	err := m.MergeRoster(newer.Roster())
	if refusal := (*compat.VersionError)(nil); !errors.As(err, &refusal) || !m.Roster().Equal(before) {
		t.Fatalf("MergeRoster = %v, roster changed: %t, want a refusal", err, !m.Roster().Equal(before))
	}
	if want := "version 3, this program reads versions 1 to 2"; !strings.Contains(err.Error(), want) {
		t.Errorf("MergeRoster = %v, want %q", err, want)
	}
	of := &diary{}
	if err := founded(t, of, 3).TurnOn(3); err != nil {
		t.Fatal(err)
	}
	_, err = Open(Config{Name: "a", Slices: 1, Speaks: compat.Range{Oldest: 1, Newest: 2}},
		Deps{Journal: of, Log: slog.New(slog.DiscardHandler)})
	if want := "version 3, this program reads versions 1 to 2"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Open = %v, want %q", err, want)
	}
}

// Other nodes judge an absent store by its last word, so each program says its versions as soon as it has the disk.
func TestEachProgramOnADiskSaysItsVersions(t *testing.T) {
	d := &diary{}
	for i, newest := range []compat.Version{1, 2, 2, 1, 3} {
		m := speaking(t, d, newest)
		if newest > 1 { // a lower word than the last one is said at once
			if err := m.Say(nobody); err != nil {
				t.Fatal(err)
			}
		}
		self := m.Self()
		if want := []uint64{0, 1, 1, 2, 3}[i]; self.Speaks.Known() != newest || self.Said != want {
			t.Errorf("start %d: the store speaks %d, said %d times, want %d, said %d times", i, self.Speaks, self.Said, newest, want)
		}
	}
	// The disk was rolled back, and another node has heard more than the disk knows.
	m := speaking(t, d, 3)
	heard := m.Self()
	heard.Speaks, heard.Said = 1, 7
	if err := m.Mark(heard); err != nil {
		t.Fatal(err)
	}
	if self := m.Self(); self.Speaks != 3 || self.Said != 8 {
		t.Errorf("after the word of an earlier program: %+v, want it to speak 3, said 8 times", self)
	}
}

// A program before versions refuses a roster with an answer, so nobody answers while such a program may run.
func TestAStoreSaysItsVersionsOnceAllOthersReadThem(t *testing.T) {
	m := founded(t, &diary{}, 1)
	m.cfg.Speaks.Newest = 2
	before, said := someStore("before"), someStore("said")
	said.Speaks, said.Said = 1, 3
	aware := someStore("aware")
	if err := errors.Join(m.Mark(said), m.Mark(aware), m.Mark(before)); err != nil {
		t.Fatal(err)
	}
	reads := func(s roster.Store) bool { return s.ID == aware.ID }
	if err := m.Say(reads); err != nil || m.Self().Said != 0 {
		t.Errorf("Say = %v, said %d times, want silence while a node of a program before versions may run", err, m.Self().Said)
	}
	before.Forgotten = true
	if err := errors.Join(m.Mark(before), m.Say(reads)); err != nil || m.Self().Speaks != 2 {
		t.Errorf("Say = %v, speaks %d, want 2 once all others read it", err, m.Self().Speaks)
	}
}

// No node may know a counting store of this program without its version, unless a program before versions may run.
func TestAStoreSaysItsVersionsWithItsEstablishment(t *testing.T) {
	for _, aware := range []bool{true, false} {
		m := speaking(t, &diary{}, 2)
		if err := errors.Join(m.AdoptCluster("c1"), m.Mark(someStore("b"))); err != nil {
			t.Fatal(err)
		}
		changes := 0
		m.OnChange(func() { changes++ })
		err := m.Establish(func(roster.Store) bool { return aware })
		if self := m.Self(); err != nil || changes != 1 || !self.Counts() || (self.Said == 1 && self.Speaks == 2) != aware {
			t.Errorf("Establish = %v, %d changes, %+v, want one change to a store that counts, and has said version 2: %t",
				err, changes, self, aware)
		}
	}
}

func TestFieldsOfALaterProgramSurviveTheDisk(t *testing.T) {
	d := &diary{}
	m := founded(t, d, 1)
	sent, err := roster.Parse([]byte(`{"version":1,"cluster":"` + m.Roster().Cluster() + `","stores":[{"id":"` + string(m.Self().ID) +
		`","name":"a","rack":"r1"}],"later":{"since":7}}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.MergeRoster(sent); err != nil {
		t.Fatal(err)
	}
	text, err := opened(t, d).Roster().MarshalJSON()
	if err != nil || !strings.Contains(string(text), `"rack":"r1"`) || !strings.Contains(string(text), `"later":{"since":7}`) {
		t.Errorf("the roster after a restart is %s, %v, want both fields of the later program", text, err)
	}
}

// A program that has dropped version 1 founds a cluster of its oldest version.
func TestANewClusterHasTheOldestVersionOfItsFounder(t *testing.T) {
	m, err := Open(Config{Name: "a", Slices: 1, Speaks: compat.Range{Oldest: 2, Newest: 3}},
		Deps{Journal: &diary{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.FoundCluster(); err != nil || m.Version() != 2 {
		t.Errorf("FoundCluster = %v, version %d, want 2", err, m.Version())
	}
}
