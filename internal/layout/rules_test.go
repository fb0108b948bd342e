package layout_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

const module = "flowring"

// levels says how high each package stands: it may import only packages that stand lower.
func levels() map[string]int {
	return map[string]int{
		".":                 -6, // the version of the program
		"internal/hashseed": -5, "internal/encoded": -5, "flow/field": -5, "flow/prefix": -5, "flow/advice": -4, "flow/room": -5, "flow/scan": -4, "flow": -3, "flow/query": -2, "flow/ingest": -2, "flow/ingest/preset": -1, "flow/ingest/form": 0, "flow/ingest/otlp": 0, "flow/ingest/envelope": -1,
		"internal/radix": -2, "store/aggregate": 0, "store/index": 0, "store/content": 1, "store/limits": 0, "store/totals": -1,
		"store/outline": 0, "store/damage": 0, "store/pack": -2, "store/journal/entry": 1, "store/journal/runs": 2, "node/replica/scrub": 1, "store/journal/staged": 0, "store/journal/faultfs": 0, "store/journal/inventory": 0, "store/journal/blockcheck": 0, "node/backup": 4, "node/erasure": 4, "cmd/flowring/erase": 9, "cmd/flowring/about": 5, "cmd/flowring/backup": 9, "cmd/flowring/restore": 10,
		"internal/contract": -1, "flow/query/merge": -1, "store/digest": -2, "store/table": -1,
		"ring": 0, "ring/roster": 0, "router/admission": 0, "store/snapshot": -1, "node/replica/pace": 0,
		"internal/browser": 0, "internal/buildinfo": 0, "internal/redact": -1, "internal/safeguard": 0, "internal/lograte": 0, "internal/trace": 0, "internal/fairshare": 1, "internal/reload": 0, "internal/workers": -1,
		"node/peer/idle": 0, "node/peer/denial": 0, "node/peer/heard": 0, "node/peer/refused": 2, "node/peer/stream": 0, "node/keyring": 1, "node/peer/mtls": 1, "node/peer/renew": 1,
		"flow/compact": 1, "flow/csv": 1, "flow/ingest/names": 1, "router/coding": 1, "router/principal": 1, "router/admin": 2, "router/goaway": 0, "node/peer/wire": 1, "store": 2,
		"internal/size": 0, "router/head": 2, "router/quota": 2, "router/reception": 2, "router/ingest": 2,
		"node/replica/backlog": 1, "node/replica/bykey": 1, "node/replica/candidates": 1, "node/replica/coalesce": 1, "node/replica/keys": 1, "node/replica/proof": 1, "node/replica/rounds": 1,
		"store/journal": 3, "node/member": 2, "node/peer": 3, "node/replica": 3,
		"router/accept": -1, "router/format": 0, "router/parameter": 0, "router/ask": 1, "router/condition": 0, "router/rows": 2, "router/watch": 2, "router/idempotency": 0,
		"node/clock":          0,
		"node/expiry":         3,
		"node/replica/owners": 2, "node/replica/replication": 2,
		"node/replica/late": 2, "node/replica/underway": 1, "node/peer/received": 2, "store/count": 0,
		"node/membership": 2, "node/capacity": 0, "node/port": 2,
		"node/retention": 1,
		"node/access":    4, "node/operator": 4, "node/senders": 4, "node/directory": 4, "node/metrics": 4, "node/readiness": 4,
		"node/answer": 4, "node/founding": 4, "node/queries": 4, "node/quorum": 4, "node/upgrade": 4, "router": 3, "router/client": 4, "router/page": 4, "router/page/figure": 2,
		"node": 5, "internal/load": 6,
		"internal/collect/spool": 0, "internal/collect/tally": 0, "internal/collect/decode": 0, "internal/collect": 5, "cmd/flowring/collect": 9,
		"cmd/flowring/profile": 5, "cmd/flowring/heap": 6, "cmd/flowring/log": 6, "cmd/flowring/lifetime": 6, "cmd/flowring/records": 6, "cmd/flowring/settings": 6,
		"cmd/flowring/access": 7, "cmd/flowring/announce": 7, "cmd/flowring/output": 7, "cmd/flowring/bench": 8,
		"cmd/flowring/poster": 8, "cmd/flowring/parts": 8, "cmd/flowring/importer": 9,
		"cmd/flowring/table": 8, "cmd/flowring/presets": 8, "cmd/flowring/retention": 8,
		"cmd/flowring/ask":   9,
		"cmd/flowring/check": 9,
		"cmd/flowring/top":   10,
		"cmd/flowring":       11,
		"internal/compat":    -5,
		"router/openapi":     1,
		// For tests alone:
		"internal/apicheck": 6,
		"flow/query/naive":  6,
		"internal/certtest": 6, "internal/layout": 7, "internal/layout/words": 6, "internal/ledger": 5, "internal/cputime": 6, "internal/memnet": 6, "internal/nodetest": 6, "internal/racetest": 6, "internal/transcript": 6, "k8s": 7,
		"store/journal/journaltest":   6,
		"internal/clustertest/bounds": 6, "internal/clustertest/scenario": 6, "internal/clustertest/stranger": 6, "internal/clustertest/checker": 6, "internal/clustertest/views": 6, "internal/clustertest": 7, "internal/pagetest": 7, "internal/proctest": 7, "internal/proctest/senders/telegraf": 6, "internal/proctest/senders/collector": 6,
		"internal/bench/duckdb": 6, "internal/bench/yardstick": 7, "internal/bench/server": 6,
		"internal/bench/workload": 7, "internal/bench/bodies": 8, "internal/bench/queries": 8, "internal/bench/pages": 8, "internal/bench/traffic": 8, "internal/bench": 9,
	}
}

// importers says which packages may import a library.
func importers() map[string][]string {
	return map[string][]string{
		"github.com/buraksezer/consistent": {"ring"},
		"github.com/hashicorp/memberlist":  {"node/member"},
		"github.com/cockroachdb/pebble/v2": {"store/journal", "store/journal/blockcheck", "store/journal/entry", "store/journal/faultfs", "store/journal/inventory", "store/journal/journaltest", "store/journal/runs", "store/journal/staged"},
		"github.com/gorilla/mux":           {"router"},
		"github.com/spf13/cobra":           {"cmd/flowring"},
		"github.com/getkin/kin-openapi":    {"internal/apicheck"},
		"github.com/rogpeppe/go-internal":  nil,
		"go.uber.org/goleak":               {"internal/clustertest"},
		"github.com/chromedp/chromedp":     nil,
		"pgregory.net/rapid":               {"internal/clustertest"},
		"github.com/bytedance/sonic":       nil, // these decoders accept bodies that the contract refuses
		"github.com/goccy/go-json":         nil,
		"github.com/valyala/fastjson":      nil,
		"github.com/buger/jsonparser":      nil,
	}
}

// pure lists the packages without I/O, clock and goroutines, and the packages that they must not import.
func pure() (packages, forbidden []string) {
	packages = []string{"flow", "flow/advice", "flow/compact", "flow/csv", "flow/field", "flow/ingest", "flow/ingest/otlp", "flow/prefix", "flow/query", "flow/query/merge", "flow/query/naive", "flow/scan", "internal/compat", "internal/contract", "internal/encoded", "ring", "store/digest", "store/snapshot", "store/table",
		"internal/radix", "store/aggregate", "store/totals"}
	forbidden = []string{"net", "os", "io/fs", "path/filepath", "log", "syscall", "time", "context", "math/rand"}
	return packages, forbidden
}

// source has the parts of one file to which the rules apply.
type source struct {
	pkg       string // folder below the module's root
	imports   []string
	goroutine bool // it has a go statement
}

func parse(pkg, name string, text any) (source, error) {
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
	if err != nil {
		return source{}, err
	}
	s := source{pkg: pkg}
	for _, i := range file.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return source{}, err
		}
		s.imports = append(s.imports, path)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		_, is := n.(*ast.GoStmt)
		s.goroutine = s.goroutine || is
		return true
	})
	return s, nil
}

// violations returns the violations of the rules in a file.
func violations(s source) []string {
	var all []string
	if _, placed := levels()[s.pkg]; !placed {
		all = append(all, "the package has no line in the table of levels")
	}
	for _, path := range s.imports {
		if why := importViolation(s.pkg, path); why != "" {
			all = append(all, why)
		}
	}
	if packages, _ := pure(); s.goroutine && slices.Contains(packages, s.pkg) {
		all = append(all, "starts a goroutine")
	}
	return all
}

func importViolation(pkg, path string) string {
	if own, ok := ownPackage(path); ok && levels()[own] >= levels()[pkg] {
		return fmt.Sprintf("imports %s, which does not stand lower", own)
	}
	for library, by := range importers() {
		if within(path, library) && !slices.Contains(by, pkg) {
			return fmt.Sprintf("imports %s, which is for %v alone", path, by)
		}
	}
	packages, forbidden := pure()
	if path == "net/netip" { // addresses as values, without I/O
		return ""
	}
	if slices.Contains(packages, pkg) && slices.ContainsFunc(forbidden, func(f string) bool { return within(path, f) }) {
		return fmt.Sprintf("imports %s, which does I/O or depends on when it runs", path)
	}
	return ""
}

// ownPackage returns the folder of a package of the module, and whether the path is one.
func ownPackage(path string) (folder string, own bool) {
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

// within reports whether path is the package root or one below it.
func within(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }
