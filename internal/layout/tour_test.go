package layout_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const tour = "docs/tour.md"

// TestTourLinksFunctions follows the links of the tour: each file declares the function or method that its link names.
func TestTourLinksFunctions(t *testing.T) {
	text := read(t, tour)
	if n := strings.Count(text, "\n"); n > 120 {
		t.Errorf("%s has %d lines, want at most 120", tour, n)
	}
	links := tourLinks(text)
	if len(links) < 40 {
		t.Errorf("%s has %d links to functions: they are not found", tour, len(links))
	}
	for _, link := range links {
		name := filepath.Join(filepath.Dir(tour), link.file)
		functions, err := functionsOf(filepath.Join(root, name), nil)
		if err != nil {
			t.Errorf("%s links `%s`: %v", tour, link.function, err)
		} else if !slices.Contains(functions, link.function) {
			t.Errorf("%s links `%s` to %s, which declares no such function; it declares %s",
				tour, link.function, name, strings.Join(functions, ", "))
		}
	}
}

// functionLink is a link such as [`Store.Apply`](../store/apply.go).
type functionLink struct{ function, file string }

func tourLinks(text string) []functionLink {
	var all []functionLink
	for _, m := range regexp.MustCompile("\\[`([^`]+)`\\]\\(([^)]+\\.go)\\)").FindAllStringSubmatch(text, -1) {
		all = append(all, functionLink{m[1], m[2]})
	}
	return all
}

// functionsOf returns the functions of a Go file, and its methods as Type.Method.
func functionsOf(name string, source any) ([]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok {
			all = append(all, receiverOf(f)+f.Name.Name)
		}
	}
	return all, nil
}

// receiverOf returns "Type." for a method of Type, *Type or *Type[T], and "" for a function.
func receiverOf(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	receiver := f.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	switch generic := receiver.(type) {
	case *ast.IndexExpr:
		receiver = generic.X
	case *ast.IndexListExpr:
		receiver = generic.X
	}
	return fmt.Sprintf("%v.", receiver)
}

func TestFunctionsOfAFileAreFound(t *testing.T) {
	got, err := functionsOf("x.go", "package x\nfunc F() {}\nfunc (t T) M() {}\nfunc (t *T) P() {}\nfunc (g *G[T]) Q() {}\nfunc (h *H[T, U]) R() {}\nvar G = func() {}\n")
	if want := []string{"F", "T.M", "T.P", "G.Q", "H.R"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("functionsOf = %q, %v, want %q", got, err, want)
	}
	links := tourLinks("[`T.M`](../x.go) and [design](design.md#x), `F` and [`F`](x.md)")
	if want := []functionLink{{"T.M", "../x.go"}}; !slices.Equal(links, want) {
		t.Errorf("tourLinks = %v, want %v", links, want)
	}
}
