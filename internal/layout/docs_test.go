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
	"strconv"
	"strings"
	"testing"

	"flowring/internal/contract"
)

// TestDocumentedProblemsAreThoseOfTheTable compares the last table of docs/api.md with the table of refusals.
func TestDocumentedProblemsAreThoseOfTheTable(t *testing.T) {
	var want []string
	for r := range contract.All() {
		if r.Problem() != "" {
			want = append(want, fmt.Sprintf("%d %s", r.Status(), r.Problem()))
		}
	}
	slices.Sort(want)
	want = slices.Compact(want)
	if got := documentedProblems(read(t, "docs/api.md")); len(want) < 5 || !slices.Equal(got, want) {
		t.Errorf("docs/api.md lists the problems\n%s\nwant those of internal/contract\n%s",
			strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestTheTableOfRefusalsIsTheOnlyOne: no other file of the program spells a code, a type, a title or an advice, so that a new
// refusal needs a row of the table and the place that decides it.
func TestTheTableOfRefusalsIsTheOnlyOne(t *testing.T) {
	var spelled []string
	for r := range contract.All() {
		spelled = append(spelled, r.Title(), r.Advice(), r.Type())
		for _, name := range []string{r.Problem(), string(r.Code())} {
			if strings.ContainsAny(name, "-_") { // a name of one word may mean something else elsewhere
				spelled = append(spelled, name)
			}
		}
	}
	literals := 0
	for _, name := range programFiles(t) {
		if within(filepath.ToSlash(name), "internal/contract") {
			continue
		}
		for _, literal := range stringsOf(t, name) {
			literals++
			if literal != "" && literal != "/problems/" && slices.Contains(spelled, literal) {
				t.Errorf("%s spells %q, which is a part of the table of refusals in internal/contract", name, literal)
			}
		}
	}
	if literals < 500 {
		t.Errorf("the program has %d texts: they are not found", literals)
	}
}

// stringsOf returns the texts of a Go file.
func stringsOf(t *testing.T, name string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, read(t, name), parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	ast.Inspect(file, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, text)
		}
		return true
	})
	return all
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
