package layout_test

import (
	"os"
	"path/filepath"
	"regexp"
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
		names := testsOfThreat(cells[2])
		if len(names) == 0 {
			t.Errorf("the threat %q has no test", strings.TrimSpace(cells[0]))
		}
		for _, name := range names {
			if !hasTest(t, name[0], name[1]) {
				t.Errorf("the threat %q names the test %s of %s, which does not exist", strings.TrimSpace(cells[0]), name[1], name[0])
			}
		}
	}
	if rows < 30 {
		t.Errorf("the table of threats has %d rows, want all", rows)
	}
}

// testsOfThreat returns the tests of a text such as "`package` TestA, TestB; `other` TestC", each behind its package.
func testsOfThreat(text string) (names [][2]string) {
	pkg := ""
	for _, found := range regexp.MustCompile("`([a-z0-9/]+)`|\\b((?:Test|Fuzz)[A-Z]\\w*)").FindAllStringSubmatch(text, -1) {
		if found[1] != "" {
			pkg = found[1]
		} else {
			names = append(names, [2]string{pkg, found[2]})
		}
	}
	return names
}

// hasTest reports whether a file of the package declares the test.
func hasTest(t *testing.T, pkg, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pkg), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}
