package parameter

import (
	"strings"
	"testing"
)

func TestDistanceCountsEdits(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"hour", "hour", 0}, {"kitten", "sitting", 3}, {"partail", "partial", 2}} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

// P16: the comparison of a long name takes no longer than of a short one.
func TestALongNameIsComparedByItsBeginning(t *testing.T) {
	if got := Nearest(strings.Repeat("x", 1<<20), []string{"hour", "partial"}); got != "hour" {
		t.Errorf("Nearest(1 MiB) = %q, want hour, the shortest", got)
	}
}

func TestTheBeginningOfANameIsNearest(t *testing.T) {
	for name, want := range map[string]string{"src": "src_app", "DEST": "dest_app", "dya": "day", "d": "day"} {
		if got := Nearest(name, []string{"hour", "day", "src_app", "dest_app"}); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}
