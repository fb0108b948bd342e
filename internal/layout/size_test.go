package layout_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// maxLines is how many lines a package has at most, without tests. A larger package answers more than one question.
const maxLines = 1600

// larger lists the packages with a limit of their own, until they are cut.
func larger() map[string]int {
	return map[string]int{"node": 2600, "node/replica": 2600, "router": 1900, "store": 1900, "internal/clustertest": 1900}
}

func TestPackagesStaySmall(t *testing.T) {
	lines := map[string]int{}
	for _, name := range programFiles(t) {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		lines[filepath.ToSlash(filepath.Dir(name))] += bytes.Count(text, []byte("\n"))
	}
	for pkg, n := range lines {
		limit := maxLines
		if own, ok := larger()[pkg]; ok {
			limit = own
		}
		if n > limit {
			t.Errorf("package %s has %d lines, more than %d: cut it", pkg, n, limit)
		}
	}
}
