package senders

import (
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/reload"
	"flowring/ring/roster"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func defaults() Settings {
	return Settings{Observed: Observed(), MaxNamesRows: DefaultMaxRows, MaxParts: DefaultMaxParts}
}

const own = `name: own
form: json
key: body
src: {name: "{a}"}
dest: {name: "{b}"}
default_vpc: v
bytes: {tx: n}
interval: {end: t, unit: s}
`

func TestFilesOfTheSettingsAreOpened(t *testing.T) {
	s := defaults()
	s.Presets = []string{write(t, "own.yaml", own)}
	s.NamesFile = write(t, "names.csv", "192.0.2.1,a,v\n")
	cfg, err := Open(reload.NewSet(nil), s)
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := cfg.Names().Lookup(netip.MustParseAddr("192.0.2.1")); n.App != "a" || cfg.Presets.Get("own") == nil || cfg.Presets.Get("flp") == nil || len(cfg.Observed) != 4 {
		t.Errorf("configuration = %+v, name %+v", cfg, n)
	}
	plain, err := Open(reload.NewSet(nil), defaults())
	if err != nil || plain.Names() != nil {
		t.Errorf("names without a file = %v, %v; want none", plain.Names(), err)
	}
}

func TestAFileThatIsNotUsableIsNamed(t *testing.T) {
	for want, change := range map[string]func(*Settings){
		"own.yaml: form \"x\"": func(s *Settings) {
			s.Presets = []string{write(t, "own.yaml", strings.Replace(own, "json", "x", 1))}
		},
		"--presets: none.yaml: open": func(s *Settings) { s.Presets = []string{"none.yaml"} },
		"names.csv: line 1: app":     func(s *Settings) { s.NamesFile = write(t, "names.csv", "192.0.2.1,,v\n") },
		"more than 1 rows":           func(s *Settings) { s.NamesFile, s.MaxNamesRows = write(t, "n.csv", "192.0.2.1,a\n192.0.2.2,a\n"), 1 },
		"--observed:":                func(s *Settings) { s.Observed = []string{"here"} },
	} {
		s := defaults()
		change(&s)
		if _, err := Open(reload.NewSet(nil), s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open = %v, want %s", err, want)
		}
	}
	for text, ok := range map[string]bool{"10.0.0.0/8": true, "fc00::/7": true, "10.0.0.1/8": false, "10.0.0.0": false} {
		if _, err := CheckRange(text); (err == nil) != ok {
			t.Errorf("CheckRange(%q) = %v", text, err)
		}
	}
}

func TestTheHoursOfTheCluster(t *testing.T) {
	now := func() time.Time { return time.Unix(1000*3600+1, 0) }
	for _, test := range []struct {
		floors   roster.Floors
		ahead    time.Duration
		from, to flow.Hour
	}{
		{roster.Floors{}, 0, math.MinInt64, math.MaxInt64},
		{roster.Floors{Closed: 900, Expired: 800}, 48 * time.Hour, 900, 1047},
		{roster.Floors{}, time.Minute, math.MinInt64, 1000},
	} {
		if from, to := Hours(func() roster.Floors { return test.floors }, test.ahead, now)(); from != test.from || to != test.to {
			t.Errorf("hours with %+v, %v ahead = %d to %d, want %d to %d", test.floors, test.ahead, from, to, test.from, test.to)
		}
	}
}
