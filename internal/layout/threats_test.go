package layout_test

import (
	"slices"
	"strings"
	"testing"
)

// TestTheTestsOfThreatsExist holds the table of threats in docs/security.md against the tests: each row names a test, in
// the package in front of it.
func TestTheTestsOfThreatsExist(t *testing.T) {
	_, table, _ := strings.Cut(read(t, "docs/security.md"), "| Threat | Defence | Test |\n|---|---|---|\n")
	rows := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 3 {
			break
		}
		rows++
		named := namedTests(cells[2])
		if len(named) == 0 {
			t.Errorf("the threat %q has no test", strings.TrimSpace(cells[0]))
		}
		for _, name := range named {
			if !slices.Contains(testsOf(t, name.pkg), name.test) {
				t.Errorf("the threat %q names the test %s of %s, which does not exist", strings.TrimSpace(cells[0]), name.test, name.pkg)
			}
		}
	}
	if rows < 30 {
		t.Errorf("the table of threats has %d rows, want all", rows)
	}
}
