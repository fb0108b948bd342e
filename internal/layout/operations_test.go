package layout_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"flowring/internal/nodetest"
)

// guides are the documents with commands for users.
func guides() []string {
	return []string{"README.md", "CONTRIBUTING.md", "docs/api.md", "docs/design.md", "docs/operations.md", "docs/promises.md",
		"docs/security.md", "docs/ingest.md", "docs/flowring.service"}
}

// found returns the matches of the first group of a pattern in a text, sorted, each once.
func found(text, pattern string) []string {
	var all []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// without returns the elements of all that are not in known.
func without(all, known []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(known, s) })
}

// TestDocumentedMetricsAreExported compares docs/operations.md with the metrics of a node, both ways.
func TestDocumentedMetricsAreExported(t *testing.T) {
	addr := nodetest.Start(t, 1)[0].Addresses().HTTP
	get(t, "http://"+addr+"/flows?hour=1") // a metric with labels shows from its first use on
	exported := found(get(t, "http://"+addr+"/metrics"), `(?m)^# TYPE (flowring_[a-z_]+) `)
	documented := found(read(t, "docs/operations.md"), "`(flowring_[a-z_]+)`")
	if len(exported) < 10 {
		t.Fatalf("a node exports %v: the metrics are not found", exported)
	}
	if names := without(exported, documented); len(names) > 0 {
		t.Errorf("a node exports %v, which docs/operations.md does not explain", names)
	}
	if names := without(documented, exported); len(names) > 0 {
		t.Errorf("docs/operations.md explains %v, which a node does not export", names)
	}
}

// sourceOf returns the text of the Go files of a folder that are not tests, with those below it.
func sourceOf(t *testing.T, folders ...string) string {
	t.Helper()
	var all strings.Builder
	for _, name := range programFiles(t) {
		if slices.ContainsFunc(folders, func(folder string) bool { return within(filepath.ToSlash(name), folder) }) {
			all.WriteString(read(t, name))
		}
	}
	return all.String()
}

// TestDocumentedFlagsExist looks for every flag and variable that the guides name among the settings and the flags of the commands.
func TestDocumentedFlagsExist(t *testing.T) {
	source := sourceOf(t, "cmd/flowring")
	settings := found(source, `(?m)^\t\t\{"([a-z-]+)", group`)
	flags := append(found(source, `Var\([^"]*"([a-z-]+)"`), settings...)
	flags = append(flags, found(source, `(?:flag|\t)\{"([a-z-]+)", "[a-z_]+!?", "`)...) // of queries, with their parameters
	if len(settings) < 10 || len(flags) < len(settings)+3 {
		t.Fatalf("flags are %v: they are not found", flags)
	}
	for _, page := range guides() { // which show commands of others too
		text := regexp.MustCompile(`(?m)^.*(kubectl|curl|docker) .*$|--data-binary`).ReplaceAllString(read(t, page), "")
		if unknown := without(found(text, `[ \x60(]--([a-z][a-z-]+)`), flags); len(unknown) > 0 {
			t.Errorf("%s names the flags %v, which no command has", page, unknown)
		}
		for _, variable := range found(text, `\bFLOWRING_([A-Z_]+)\b`) {
			name := strings.ReplaceAll(strings.ToLower(variable), "_", "-")
			if !slices.Contains(append(settings, "target", "token-file"), name) { // those two are for the client commands
				t.Errorf("%s names FLOWRING_%s, which is no setting", page, variable)
			}
		}
	}
}

// TestDocumentedCommandsExist looks for every command that the guides name among those of the program.
func TestDocumentedCommandsExist(t *testing.T) {
	commands := append(found(sourceOf(t, "cmd/flowring"), `Use: "([a-z]+)`), "completion") // that one is made by cobra
	if !slices.Contains(commands, "serve") {
		t.Fatalf("commands are %v: they are not found", commands)
	}
	for _, name := range guides() {
		code := strings.Join(found(read(t, name), "((?m)^    .*$|`[^`\n]+`)"), "\n")
		if unknown := without(found(code, `(?m)(?:^ *|[ /\x60|])flowring ([a-z]+)\b`), commands); len(unknown) > 0 {
			t.Errorf("%s names the commands %v, which do not exist", name, unknown)
		}
	}
}

// TestCommandsInPodsNameTheProgramByItsPath: the image has the program at /flowring, in no folder of a PATH.
func TestCommandsInPodsNameTheProgramByItsPath(t *testing.T) {
	if image := read(t, "Dockerfile"); !strings.Contains(image, "\nCOPY bin/flowring /flowring\n") {
		t.Error("the Dockerfile does not put the program at /flowring")
	}
	programs := 0
	for _, name := range guides() {
		for _, program := range regexp.MustCompile(`kubectl exec [^\n`+"`"+`]*-- (\S+)`).FindAllStringSubmatch(read(t, name), -1) {
			if programs++; program[1] != "/flowring" {
				t.Errorf("%s runs %s in a pod, want /flowring", name, program[1])
			}
		}
	}
	if programs < 3 {
		t.Errorf("the guides run %d programs in pods: they are not found", programs)
	}
}

// TestDocumentedLogMessagesAreLogged compares the table of docs/operations.md with the log messages of the program, both ways.
func TestDocumentedLogMessagesAreLogged(t *testing.T) {
	source := sourceOf(t, "cmd", "internal/reload", "node", "router", "store")
	logged := append(found(source, `[lL]og(?:ger)?\.(?:Info|Warn|Error)(?:Context\([\w.()]+, |\()"([^"]+)"`), "request refused", "pebble") // whose levels vary
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| (`[^|]+) \\|").FindAllStringSubmatch(section(read(t, "docs/operations.md"), "Log"), -1) {
		documented = append(documented, found(m[1], "`([^`]+)`")...)
	}
	for i, message := range documented {
		if start, short := strings.CutSuffix(message, " ..."); short { // the beginning of a long one
			if j := slices.IndexFunc(logged, func(s string) bool { return strings.HasPrefix(s, start) }); j >= 0 {
				documented[i] = logged[j]
			}
		}
	}
	if missing := without(logged, documented); len(missing) > 0 {
		t.Errorf("the program logs %q, which docs/operations.md does not explain", missing)
	}
	if missing := without(documented, logged); len(missing) > 0 {
		t.Errorf("docs/operations.md explains %q, which the program does not log", missing)
	}
}

// TestReasonsOfRefusalsAreDocumented looks for the reasons that clients are told with a 503 among the symptoms of docs/operations.md.
func TestReasonsOfRefusalsAreDocumented(t *testing.T) {
	symptoms := section(read(t, "docs/operations.md"), "Symptoms")
	reasons := found(sourceOf(t, "node/public.go", "node/folder.go", "node/answer", "node/queries", "internal/contract/unavailable.go", "node/replica/forward.go", "node/replica/submit.go", "router"),
		`Reason: (?:fmt\.Sprintf\()?"([^"]+)"`)
	if len(reasons) < 7 {
		t.Fatalf("reasons are %q: they are not found", reasons)
	}
	for _, reason := range reasons {
		pattern := regexp.MustCompile(`%%|%[a-z]`).ReplaceAllStringFunc(regexp.QuoteMeta(reason), func(verb string) string {
			if verb == "%%" {
				return "%"
			}
			return "[^`]+"
		})
		if !regexp.MustCompile("`" + pattern + "`").MatchString(symptoms) {
			t.Errorf("a client is told %q, which the Symptoms of docs/operations.md do not explain", reason)
		}
	}
}

// TestNamedTestsExist looks for every test that a page names, in the package that it names before it, or in any package.
func TestNamedTestsExist(t *testing.T) {
	tests, anywhere := map[string][]string{}, map[string]bool{}
	for pkg := range levels() {
		tests[pkg] = testsOf(t, pkg)
		for _, test := range tests[pkg] {
			anywhere[test] = true
		}
	}
	for page, least := range map[string]int{"docs/promises.md": 200, "docs/traps.md": 60} {
		text := read(t, page)
		named := namedTests(text)
		if len(named) < least {
			t.Errorf("%s names %d tests with their packages: they are not found", page, len(named))
		}
		for _, name := range named {
			if !slices.Contains(tests[name.pkg], name.test) {
				t.Errorf("%s names %s, which is not in %s", page, name.test, name.pkg)
			}
		}
		for _, test := range found(text, `\b((?:Test|Fuzz)[A-Z]\w*)`) {
			if !anywhere[test] {
				t.Errorf("%s names %s, which is in no package", page, test)
			}
		}
	}
}

// namedTest is a test that a page names behind its package.
type namedTest struct{ pkg, test string }

// namedTests returns the tests of a text such as "`package` TestA, TestB; `other` FuzzC".
func namedTests(text string) (all []namedTest) {
	lists := regexp.MustCompile("`([a-z0-9/]+)`\\s+((?:Test|Fuzz)\\w+(?:,\\s+(?:Test|Fuzz)\\w+)*)")
	for _, m := range lists.FindAllStringSubmatch(text, -1) {
		for _, test := range regexp.MustCompile(`,\s+`).Split(m[2], -1) {
			all = append(all, namedTest{m[1], test})
		}
	}
	return all
}

func TestNamedTestsAreFound(t *testing.T) {
	got := namedTests("`node/a2` TestA,\n  FuzzB; `c`\nTestC: `d`, TestD")
	if want := []namedTest{{"node/a2", "TestA"}, {"node/a2", "FuzzB"}, {"c", "TestC"}}; !slices.Equal(got, want) {
		t.Errorf("namedTests = %v, want %v", got, want)
	}
}

// testsOf returns the names of the tests and fuzz targets of a package.
func testsOf(t *testing.T, pkg string) (all []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		all = append(all, found(read(t, strings.TrimPrefix(file, root+"/")), `(?m)^func ((?:Test|Fuzz)\w+)\(`)...)
	}
	return all
}
