package layout_test

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// TestTableOfLevelsNamesEachPackage fails for a package without a line in the table of levels, and for a line without a package.
func TestTableOfLevelsNamesEachPackage(t *testing.T) {
	packages, err := packagesBelow(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	listed := slices.Sorted(maps.Keys(levels()))
	for _, pkg := range without(packages, listed) {
		t.Errorf("package %s has no line in the table of levels", pkg)
	}
	for _, pkg := range without(listed, packages) {
		t.Errorf("the table of levels has the package %s, which does not exist", pkg)
	}
}

// packagesBelow returns the folders with Go files, tests included, sorted.
func packagesBelow(root fs.FS) ([]string, error) {
	var all []string
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(name, ".go"):
			all = append(all, path.Dir(name))
		}
		return nil
	})
	slices.Sort(all)
	return slices.Compact(all), err
}
