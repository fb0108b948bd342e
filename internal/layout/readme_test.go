package layout_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// read returns a file of the repository as text.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReadmeCommandsAreThoseOfCI: a newcomer runs the tests that every change has to pass, with the same command.
func TestReadmeCommandsAreThoseOfCI(t *testing.T) {
	readme, ci := read(t, "README.md"), read(t, ".ci/run")
	for _, command := range []string{"go build -o bin/flowring ./cmd/flowring; bin/flowring serve & node=$!", "go test ./..."} {
		if !strings.Contains(readme, "\n\n    "+command+"\n\n") {
			t.Errorf("README.md has no block of its own for %q", command)
		}
	}
	if !strings.Contains(ci, "\ngo test ./...\n") {
		t.Error(".ci/run does not run go test ./...")
	}
}

// TestReadmeIsAPage holds its length, and that it ends with how to stop; package proctest runs its commands.
func TestReadmeIsAPage(t *testing.T) {
	readme := read(t, "README.md")
	if n := strings.Count(readme, "\n"); n >= 200 {
		t.Errorf("README.md has %d lines, want fewer than 200", n)
	}
	if headings := found(readme, `(?m)^## (.+)$`); !slices.Contains(headings, "Is this for me?") || len(headings) < 5 {
		t.Errorf("README.md has the headings %q, want \"Is this for me?\" among at least 5", headings)
	}
	last := readme[strings.LastIndex(readme, "\n## ")+1:]
	if !strings.HasPrefix(last, "## Stop and clean up\n") || !strings.Contains(last, "    kill ") {
		t.Errorf("README.md ends with %q, want how to stop and clean up", last)
	}
	if n := len(found(readme, `(?m)^ +(docker run .*)$`)); n != 1 {
		t.Errorf("README.md has %d docker run lines, want 1", n)
	}
}

// TestPicturesAreSmall holds the pictures of README.md to a size that a reader does not wait for.
func TestPicturesAreSmall(t *testing.T) {
	all := found(read(t, "README.md"), `\(docs/pictures/([^)]*)\)`)
	if len(all) != 3 {
		t.Errorf("README.md has the pictures %q, want 3", all)
	}
	for _, name := range all {
		const most = 120_000
		if picture := read(t, "docs/pictures/"+name); len(picture) > most {
			t.Errorf("%s has %d bytes, want at most %d", name, len(picture), most)
		}
	}
}

// section returns the part of a document below a heading of the second level.
func section(text, heading string) string {
	_, rest, _ := strings.Cut(text, "\n## "+heading+"\n")
	part, _, _ := strings.Cut(rest, "\n## ")
	return part
}

// get returns the body of the answer to a GET.
func get(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
