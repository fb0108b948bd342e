package layout_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// pages returns the Markdown files of the repository that its users read, relative to its root.
func pages(t *testing.T) []string {
	t.Helper()
	all := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md"}
	for _, pattern := range []string{"docs/*.md", "docs/decisions/*.md", "docs/integrations/*.md"} {
		names, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			all = append(all, strings.TrimPrefix(filepath.ToSlash(name), root+"/"))
		}
	}
	if len(all) < 10 {
		t.Fatalf("the pages are %v: the rest is not found", all)
	}
	return all
}

// TestProseLinesHaveAtMost100Columns leaves tables and code out, whose lines cannot be cut.
func TestProseLinesHaveAtMost100Columns(t *testing.T) {
	for _, page := range pages(t) {
		for i, line := range strings.Split(read(t, page), "\n") {
			if n := utf8.RuneCountInString(line); n > 100 && !strings.HasPrefix(line, "|") && !strings.HasPrefix(line, "    ") {
				t.Errorf("%s:%d has %d columns, want at most 100: move its last words to the next line", page, i+1, n)
			}
		}
	}
}

// TestLinksLeadSomewhere follows the links of all pages to files and headings of the repository.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, page := range pages(t) {
		for _, link := range found(read(t, page), `\]\(([^)\s]+)\)`) {
			if strings.Contains(link, "://") {
				continue
			}
			file, anchor, hasAnchor := strings.Cut(link, "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s links %s: %v", page, link, err)
			} else if hasAnchor && !slices.Contains(anchors(read(t, target)), anchor) {
				t.Errorf("%s links %s, and %s has no such heading", page, link, target)
			}
		}
	}
}

// anchors returns the anchors of the headings of a page.
func anchors(text string) []string {
	var all []string
	for _, heading := range found(text, `(?m)^#+ (.+)$`) {
		kept := regexp.MustCompile(`[^\w -]`).ReplaceAllString(strings.ToLower(heading), "")
		all = append(all, strings.ReplaceAll(kept, " ", "-"))
	}
	return all
}

// TestNamedFilesExist looks for every Go file that a page names, such as `store/apply.go`.
func TestNamedFilesExist(t *testing.T) {
	count := 0
	for _, page := range pages(t) {
		for _, name := range found(read(t, page), "`((?:[a-z0-9_]+/)+[a-z0-9_]+\\.go)`") {
			if _, err := os.Stat(filepath.Join(root, name)); err != nil {
				t.Errorf("%s names the file %s: %v", page, name, err)
			}
			count++
		}
	}
	if count < 30 {
		t.Errorf("the pages name %d files: they are not found", count)
	}
}
