package membership

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"flowring/internal/compat"
)

// The identity on disk is used as it is, or refused. One with the roster of a newer version is refused by name, and the
// unknown fields of a roster are still on disk when the roster has changed.
func FuzzIdentity(f *testing.F) {
	d := &diary{}
	if _, err := Open(Config{Name: "a", Slices: 1}, Deps{Journal: d, Log: slog.New(slog.DiscardHandler)}); err != nil {
		f.Fatal(err)
	}
	written := string(d.states[keyIdentity])
	f.Add([]byte(written))
	f.Add([]byte(strings.Replace(written, `"version":1`, `"version":9`, 1)))
	f.Add([]byte(strings.Replace(written, `"version":1`, `"version":1,"later":{"b":[1.50],"a":null}`, 1)))
	f.Add([]byte(strings.TrimSuffix(written, "}") + `,"rack":7}`))
	f.Add([]byte(`{"store":"","name":"a","roster":{"version":1,"stores":[]}}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		d := &diary{states: map[string][]byte{keyIdentity: value}}
		s, err := Open(Config{Name: "a", Slices: 1}, Deps{Journal: d, Log: slog.New(slog.DiscardHandler)})
		var id identity
		if json.Unmarshal(value, &id) == nil && id.Name == "a" && id.Roster.Version() > compat.Newest {
			if err == nil || !strings.Contains(err.Error(), compat.Spoken().String()) {
				t.Fatalf("Open on a roster of version %d = %v, want an error with both versions", id.Roster.Version(), err)
			}
		}
		if err != nil {
			return
		}
		before := s.Roster()
		if err := s.Mark(someStore("b")); err != nil {
			return
		}
		after, err := Open(Config{Name: "a", Slices: 1}, Deps{Journal: d, Log: slog.New(slog.DiscardHandler)})
		if err != nil || !after.Roster().Equal(s.Roster()) {
			t.Fatalf("opened again after %q: %v, %v, want %v", value, after, err, s.Roster())
		}
		if merged, err := after.Roster().Merge(before); err != nil || !merged.Equal(after.Roster()) {
			t.Fatalf("the roster of %q has lost facts: %v, %v, want those of %v", value, after.Roster(), err, before)
		}
	})
}
