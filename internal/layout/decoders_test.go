package layout_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// isDecoder reports whether the name of a function, with its receiver, is that of a decoder.
func isDecoder(name string) bool {
	return regexp.MustCompile(`^(\w+\.)?(?i:parse|decode|unwrap|unmarshal)\w*$|^(?i:readframes?|readhead)$`).MatchString(name)
}

// decodingSource returns the packages and files with formats of other nodes and of the disk. The formats of clients are in
// package router and in other files of package flow.
func decodingSource() []string {
	return []string{"flow/parse.go", "flow/query/codec.go", "internal/compat", "node", "ring", "store"}
}

// TestEveryDecoderHasAFuzzTarget holds the table of decoders in docs/promises.md against the functions that read a format,
// by their names or by their calls of a JSON decoder, and against the fuzz targets.
func TestEveryDecoderHasAFuzzTarget(t *testing.T) {
	var listed []string
	for _, row := range decoderRows(read(t, "docs/promises.md")) {
		if targets := testsOf(t, row.pkg); !slices.Contains(targets, row.target) {
			t.Errorf("docs/promises.md has the fuzz target %s of %s, which does not exist: %v", row.target, row.pkg, targets)
		}
		listed = append(listed, row.decoders...)
	}
	var found []string
	for _, name := range programFiles(t) {
		pkg := filepath.ToSlash(filepath.Dir(name))
		if !slices.ContainsFunc(decodingSource(), func(p string) bool { return within(filepath.ToSlash(name), p) }) {
			continue
		}
		for _, decoder := range decodersOf(t, read(t, name)) {
			found = append(found, pkg+" "+decoder)
		}
	}
	for _, decoder := range without(found, listed) {
		t.Errorf("the decoder %s has no fuzz target in docs/promises.md", decoder)
	}
	for _, decoder := range without(listed, found) {
		t.Errorf("docs/promises.md lists the decoder %s, which does not exist", decoder)
	}
}

// decoderRow is a row of the table: | `package` target | `decoder`, ... |.
type decoderRow struct {
	pkg, target string
	decoders    []string // "package function"; in the table the package may be left out if it is pkg
}

func decoderRows(text string) (rows []decoderRow) {
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` (Fuzz\\w+) \\| (.*) \\|").FindAllStringSubmatch(text, -1) {
		row := decoderRow{pkg: m[1], target: m[2]}
		for _, decoder := range found(m[3], "`([^`]+)`") {
			if !strings.Contains(decoder, " ") {
				decoder = row.pkg + " " + decoder
			}
			row.decoders = append(row.decoders, decoder)
		}
		rows = append(rows, row)
	}
	return rows
}

// decodersOf returns the functions of a Go file that read a format.
func decodersOf(t *testing.T, source string) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil || len(f.Type.Params.List) == 0 {
			continue
		}
		if name := receiverOf(f) + f.Name.Name; isDecoder(name) || callsDecoder(f.Body) {
			names = append(names, name)
		}
	}
	return names
}

// callsDecoder reports whether a function calls a JSON decoder.
func callsDecoder(body *ast.BlockStmt) (calls bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && strings.HasPrefix(s.Sel.Name, "Unmarshal") {
			if pkg, ok := s.X.(*ast.Ident); ok && pkg.Name == "json" {
				calls = true
			}
		}
		return true
	})
	return calls
}

func TestDecodersAreFound(t *testing.T) {
	got := decodersOf(t, `package p
		func parseHead(data []byte) {}
		func (c *Client) Hello(data []byte) { json.Unmarshal(data, c) }
		func parse() {}
		func (r *Roster) UnmarshalJSON(data []byte) error { return nil }
		func write(data []byte) { json.Marshal(data) }`)
	if want := []string{"parseHead", "Client.Hello", "Roster.UnmarshalJSON"}; !slices.Equal(got, want) {
		t.Errorf("decodersOf = %v, want %v", got, want)
	}
}
