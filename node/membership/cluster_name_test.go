package membership

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"flowring/ring/roster"
)

// A folder with a cluster's name keeps it, unless it is to be renamed. A folder without one takes the setting for this
// start alone. (P8: a new setting moves no node out of its cluster)
func TestTheDataFolderKeepsTheNameOfItsCluster(t *testing.T) {
	for _, tt := range []struct {
		name        string
		kept        string
		established bool
		rename      bool
		use, keep   string // the name in use, and the name in the folder afterwards
		warn        bool
	}{
		{"an empty folder", "", false, false, "new", "", false},
		{"an empty folder that is to be renamed", "", false, true, "new", "", false},
		{"an established store of an earlier version", "", true, false, "new", "", false},
		{"the name of the setting", "new", true, false, "new", "new", false},
		{"another name", "old", true, false, "old", "old", true},
		{"another name, of a store that was forgotten", "old", false, false, "old", "old", true},
		{"another name that is to be changed", "old", true, true, "new", "new", false},
	} {
		var log strings.Builder
		d := &diary{states: map[string][]byte{keyCluster: []byte(tt.kept)}}
		m, err := Open(Config{Name: "a", Slices: 1}, Deps{Journal: d, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		self := m.Self()
		self.Established = tt.established
		if err := m.Mark(self); err != nil {
			t.Fatal(err)
		}
		name, err := m.UseClusterName("new", tt.rename)
		if got := string(d.states[keyCluster]); err != nil || name != tt.use || got != tt.keep {
			t.Errorf("%s: uses %q, %v, and the folder has %q, want %q and %q", tt.name, name, err, got, tt.use, tt.keep)
		}
		if warned := strings.Contains(log.String(), "level=WARN"); warned != tt.warn {
			t.Errorf("%s: warned %t, want %t", tt.name, warned, tt.warn)
		}
	}
}

// The folder of an earlier version keeps the name of the setting once the name is confirmed, so a wrong setting can be
// corrected. (P8)
func TestAFolderOfAnEarlierVersionKeepsTheNameThatIsConfirmed(t *testing.T) {
	other, stranger := someStore("b"), someStore("c")
	joining := other
	joining.Established = false
	for _, tt := range []struct {
		name        string
		established bool
		roster      []roster.Store // besides the node's own store
		heard       []roster.Store
		keep        string
	}{
		{"no answer, as under a wrong name", true, []roster.Store{other}, nil, ""},
		{"an established store of the roster answers", true, []roster.Store{other}, []roster.Store{other}, "new"},
		{"a store answers that is not established yet", true, []roster.Store{other}, []roster.Store{joining}, ""},
		{"a store answers that the roster does not have", true, []roster.Store{other}, []roster.Store{stranger}, ""},
		{"no other store", true, nil, nil, "new"},
		{"a store that is not established itself", false, nil, nil, ""},
	} {
		d := &diary{}
		m := opened(t, d)
		for _, s := range append(tt.roster, roster.Store{ID: m.Self().ID, Name: "a", Established: tt.established}) {
			if err := m.Mark(s); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.ConfirmClusterName("new", tt.heard); err != nil || string(d.states[keyCluster]) != tt.keep {
			t.Errorf("%s: ConfirmClusterName = %v, and the folder has %q, want %q", tt.name, err, d.states[keyCluster], tt.keep)
		}
		d.fail = errors.New("disk")
		if err := m.ConfirmClusterName("new", tt.heard); err != nil {
			t.Errorf("%s: ConfirmClusterName again = %v, want that it writes once", tt.name, err)
		}
	}
}

func TestAClusterNameThatCannotBeKept(t *testing.T) {
	d := &diary{}
	m := opened(t, d)
	d.fail = errors.New("disk")
	if _, err := m.UseClusterName("new", false); !errors.Is(err, d.fail) {
		t.Errorf("UseClusterName on a failing disk = %v, want its error", err)
	}
	if err := m.SaveClusterName("new"); !errors.Is(err, d.fail) {
		t.Errorf("SaveClusterName on a failing disk = %v, want its error", err)
	}
}

// A node without a name of its own takes the name of the data folder.
func TestANodeWithoutANameTakesThatOfTheFolder(t *testing.T) {
	d := &diary{}
	opened(t, d)
	cfg := Config{Name: "4f2a9c1be07d", NameIsDefault: true, Slices: 1} // a container has such a name
	m, err := Open(cfg, Deps{Journal: d, Log: slog.New(slog.DiscardHandler)})
	if err != nil || m.Name() != "a" || m.Self().Name != "a" {
		t.Fatalf("Open of the folder of a = %v, want the name a", err)
	}
	m, err = Open(cfg, Deps{Journal: &diary{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil || m.Name() != cfg.Name || m.Self().Name != cfg.Name {
		t.Errorf("Open of an empty folder = %v, want the default name", err)
	}
}
