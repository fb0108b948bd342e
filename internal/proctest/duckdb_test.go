//go:build linux

package proctest

import (
	"bytes"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"flowring/flow"
)

// duckDB is the pinned package of DuckDB for node.
const duckDB = "@duckdb/node-api@1.5.6-r.1"

// DuckDB reads the CSV and the NDJSON of a query with the types that it finds itself, and comes to the sums of the
// records: no cell loses a digit above 2^53, and no name of a sender breaks a row.
func TestDuckDBReadsTheAnswers(t *testing.T) {
	t.Parallel()
	skipShort(t)
	folder := installDuckDB(t)
	c := newCluster(t, 1, 1)
	c.start()
	records, want := wideRecords()
	for i, part := range slices.Collect(slices.Chunk(records, 10_000)) {
		c.postTo(c.nodes[0], fmt.Sprintf("duckdb-%d", i), part, false)
	}
	for format, reader := range map[string]string{"csv": "read_csv", "ndjson": "read_json"} {
		file := filepath.Join(folder, "flows."+format)
		path := "/flows?from=100&to=200&require=complete&group_by=hour,src_app,dest_app,vpc_id&format=" + format
		a, err := c.get(c.nodes[0], path)
		if err != nil || a.status != http.StatusOK || a.complete != "true" {
			t.Fatalf("GET %s = %d %q, complete %q, %v", path, a.status, a.body, a.complete, err)
		}
		if err := os.WriteFile(file, a.body, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := sumsOfDuckDB(t, folder, reader, file); !slices.Equal(got, want) {
			t.Errorf("DuckDB reads from %s\n%s\nwant\n%s", path, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// installDuckDB installs the package in a temporary folder beside the script.
func installDuckDB(t *testing.T) (folder string) {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	folder = t.TempDir()
	script, err := os.ReadFile("testdata/duckdb.mjs")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"duckdb.mjs": script, "package.json": []byte(`{"private":true}`)} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	install := exec.CommandContext(t.Context(), "npm", "install", "--prefer-offline", "--no-audit", "--no-fund", duckDB)
	install.Dir = folder
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("npm cannot install %s: %v\n%s", duckDB, err, out)
	}
	return folder
}

// wideRecords returns records with totals far above 2^53, under names that a careless reader breaks, and the lines of
// the script for them.
func wideRecords() (records []agentRecord, lines []string) {
	type sums struct {
		tx, rx *big.Int
		rows   int
	}
	all := map[string]*sums{}
	for i, name := range []string{"plain", "com,ma", `quo"ted`, "line\nfeed", "both\r\nof them", "é😀", "=1+1", " led by a space", "'", "12"} {
		s := &sums{tx: new(big.Int), rx: new(big.Int)}
		all[name] = s
		for hour := int64(100); hour < 104; hour++ {
			for part := range 1000 { // 1000 * (2^53 - 1) is less than 2^63
				r := agentRecord{SrcIP: name, DestIP: "sink", VPC: "vpc-0", BytesTx: flow.MaxBytes, BytesRx: int64(i + part), Hour: hour}
				s.tx.Add(s.tx, big.NewInt(r.BytesTx))
				s.rx.Add(s.rx, big.NewInt(r.BytesRx))
				records = append(records, r)
			}
			s.rows++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s := all[name]
		line, _ := json.Marshal([]string{name, s.tx.String(), s.rx.String(), fmt.Sprint(s.rows)}) // texts have JSON
		lines = append(lines, string(line))
	}
	return records, lines
}

// sumsOfDuckDB returns the lines of the script.
func sumsOfDuckDB(t *testing.T, folder, reader, file string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "duckdb.mjs", reader, file)
	cmd.Dir = folder
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	return strings.Split(string(bytes.TrimSpace(out)), "\n")
}
