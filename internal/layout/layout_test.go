package layout_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

const root = "../.."

func TestImportsFollowTheLayout(t *testing.T) {
	files := 0
	for _, name := range programFiles(t) {
		s, err := parse(filepath.ToSlash(filepath.Dir(name)), filepath.Join(root, name), nil)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, v := range violations(s) {
			t.Errorf("%s: %s", name, v)
		}
		files++
	}
	if files < 10 {
		t.Errorf("looked at %d files: the walk does not find the source", files)
	}
}

// programFiles returns the Go files of the module that are not tests, relative to its root.
func programFiles(t *testing.T) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"):
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestLinesOfCodeHaveAtMost120Columns counts a tab as one column, and leaves tests out.
func TestLinesOfCodeHaveAtMost120Columns(t *testing.T) {
	for _, name := range programFiles(t) {
		for i, line := range strings.Split(read(t, name), "\n") {
			if n := utf8.RuneCountInString(line); n > 120 {
				t.Errorf("%s:%d has %d columns, want at most 120", name, i+1, n)
			}
		}
	}
}

func TestViolationsAreNoticed(t *testing.T) {
	tests := []struct{ name, pkg, text, want string }{
		{"down is allowed", "node", `import "flowring/router"`, ""},
		{"up", "store", `import "flowring/node"`, "does not stand lower"},
		{"sideways", "store", `import "flowring/router/admin"`, "does not stand lower"},
		{"the version of the program", "internal/buildinfo", `import "flowring"`, ""},
		{"the version of the program, sideways", ".", `import "flowring"`, "does not stand lower"},
		{"a package for tests alone", "node", `import "flowring/internal/memnet"`, "does not stand lower"},
		{"a package without a level", "util", ``, "no line in the table"},
		{"memberlist in its place", "node/member", `import "github.com/hashicorp/memberlist"`, ""},
		{"memberlist elsewhere", "node", `import "github.com/hashicorp/memberlist"`, "for [node/member] alone"},
		{"consistent elsewhere", "router", `import "github.com/buraksezer/consistent"`, "for [ring] alone"},
		{"a part of pebble elsewhere", "node", `import "github.com/cockroachdb/pebble/v2/vfs"`, "alone"},
		{"a lenient decoder", "flow", `import "github.com/bytedance/sonic"`, "alone"},
		{"I/O among the nouns", "flow", `import "net/http"`, "does I/O"},
		{"a clock in placement", "ring", `import "time"`, "depends on when"},
		{"a name that only begins alike", "flow", `import "network"`, ""},
		{"a goroutine among the nouns", "flow", `func f() { go f() }`, "starts a goroutine"},
		{"a goroutine elsewhere", "store", `func f() { go f() }`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := parse(tt.pkg, "x.go", "package x\n"+tt.text)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(violations(s), "; ")
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("violations(%s in %s) = %q, want %q", tt.text, tt.pkg, got, tt.want)
			}
		})
	}
}
