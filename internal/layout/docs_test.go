package layout_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocumentedProblemsAreTheProgramsOwn compares the last table of docs/api.md with the router's table of errors.
func TestDocumentedProblemsAreTheProgramsOwn(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/api.md"))
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(root, "router/answers.go"))
	if err != nil {
		t.Fatal(err)
	}
	got, want := documentedProblems(string(text)), answeredProblems(t, source)
	if len(want) < 5 || !slices.Equal(got, want) {
		t.Errorf("docs/api.md lists the problems\n%s\nwant those of router/answers.go\n%s",
			strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// documentedProblems returns "404 not-found" for each row such as | 404 | `not-found` | below the heading Problems, sorted.
func documentedProblems(text string) []string {
	_, section, _ := strings.Cut(text, "\n## Problems\n")
	var all []string
	for _, row := range regexp.MustCompile("(?m)^\\| (\\d{3}) \\| `([a-z-]+)` \\|").FindAllStringSubmatch(section, -1) {
		all = append(all, row[1]+" "+row[2])
	}
	slices.Sort(all)
	return all
}

// answeredProblems returns the same of the rows {matches, name, status, ...} of the variable answers.
func answeredProblems(t *testing.T, source []byte) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "answers.go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	ast.Inspect(file, func(n ast.Node) bool {
		row, ok := n.(*ast.CompositeLit)
		if !ok || row.Type != nil || len(row.Elts) < 3 {
			return true
		}
		name, isName := row.Elts[1].(*ast.BasicLit)
		status, isStatus := row.Elts[2].(*ast.BasicLit)
		if isName && isStatus {
			all = append(all, fmt.Sprintf("%s %s", status.Value, strings.Trim(name.Value, `"`)))
		}
		return true
	})
	slices.Sort(all)
	return all
}

// TestDecisionsAreIndexed holds docs/decisions/README.md against the records beside it.
func TestDecisionsAreIndexed(t *testing.T) {
	index, err := os.ReadFile(filepath.Join(root, "docs/decisions/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	records, err := filepath.Glob(filepath.Join(root, "docs/decisions/[0-9]*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records {
		if name := filepath.Base(record); !strings.Contains(string(index), "]("+name+")") {
			t.Errorf("docs/decisions/README.md does not link %s", name)
		}
	}
}
