package directory

import (
	"fmt"
	"testing"
	"time"
)

// The departure of a node is reported once, and so is its return, with the length of the absence. A node that was never
// present is reported after a while.
func TestPresenceIsSaidOnce(t *testing.T) {
	const there, away = true, false
	for _, tt := range []struct {
		name  string
		steps []map[string]bool // one a second
		want  string
	}{
		{"a node that is there", []map[string]bool{{"b": there}, {"b": there}}, ""},
		{"a node that goes and returns", []map[string]bool{{"b": there}, {"b": away}, {"b": away}, {"b": away}, {"b": there}, {"b": there}}, "1:-b 4:+b 3s "},
		{"twice", []map[string]bool{{"b": there}, {"b": away}, {"b": there}, {"b": away}, {"b": there}}, "1:-b 2:+b 1s 3:-b 4:+b 1s "},
		{"a node that is not there yet", []map[string]bool{{"b": away}, {"b": away}, {"b": there}}, ""},
		{"a node that never comes", []map[string]bool{{"b": away}, {"b": away}, {"b": away}, {"b": away}, {"b": away}, {"b": away}, {"b": away}, {"b": there}}, "5:-b 7:+b 7s "},
		{"a node that is forgotten", []map[string]bool{{"b": there, "c": there}, {"b": away, "c": there}, {"c": there}, {"c": there}}, "1:-b "},
		{"two nodes", []map[string]bool{{"b": there, "c": there}, {"b": away, "c": away}, {"b": there, "c": away}}, "1:-b 1:-c 2:+b 1s "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var p Presence
			now, got := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), ""
			for i, nodes := range tt.steps {
				gone, back := p.Update(now.Add(time.Duration(i)*time.Second), nodes)
				for _, name := range gone {
					got += fmt.Sprintf("%d:-%s ", i, name)
				}
				for _, b := range back {
					got += fmt.Sprintf("%d:+%s %v ", i, b.Name, b.Away)
				}
			}
			if got != tt.want {
				t.Errorf("said %q, want %q", got, tt.want)
			}
		})
	}
}
