package duckdb

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/go-json-experiment/json"
)

// Package is the pinned package of the registry.
const Package = "@duckdb/node-api@1.5.6-r.1"

// ErrUnavailable is the error of a machine on which DuckDB cannot be installed.
var ErrUnavailable = errors.New("DuckDB is not available")

//go:embed measure.mjs
var script []byte

// DuckDB is an installation in a temporary folder.
type DuckDB struct{ dir string }

// Open installs DuckDB. The caller calls Close, which removes the folder.
func Open(ctx context.Context) (*DuckDB, error) {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
	dir, err := os.MkdirTemp("", "duckdb-")
	if err != nil {
		return nil, err
	}
	d := &DuckDB{dir}
	if err := os.WriteFile(d.script(), script, 0o600); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	install := exec.CommandContext(ctx, "npm", "install", "--prefix", dir, "--silent", "--no-audit", "--no-fund", Package)
	if out, err := install.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: npm install %s: %w: %.300s", ErrUnavailable, Package, err, out), d.Close())
	}
	return d, nil
}

func (d *DuckDB) script() string { return filepath.Join(d.dir, "measure.mjs") }

// Close removes the installation.
func (d *DuckDB) Close() error { return os.RemoveAll(d.dir) }

// Run is the cost of one run of a question, in microseconds.
type Run struct {
	CPU  float64 `json:"cpu_us"`
	Wall float64 `json:"wall_us"`
}

// Answer is the answer to a question and the cost of its runs.
type Answer struct {
	Runs []Run      `json:"runs"`
	Rows [][]string `json:"rows"`
}

// Measure loads a CSV file with a header into a table named flows, and asks questions in SQL, each of them several
// times.
func (d *DuckDB) Measure(ctx context.Context, csv string, rounds int, questions ...string) ([]Answer, error) {
	call, err := json.Marshal(map[string]any{"csv": csv, "questions": questions, "rounds": rounds})
	if err != nil {
		return nil, err
	}
	var out, errs bytes.Buffer
	node := exec.CommandContext(ctx, "node", d.script(), string(call))
	node.Stdout, node.Stderr = &out, &errs
	if err := node.Run(); err != nil {
		return nil, fmt.Errorf("DuckDB: %w: %.500s", err, errs.String())
	}
	var answers []Answer
	if err := json.Unmarshal(out.Bytes(), &answers); err != nil {
		return nil, fmt.Errorf("DuckDB: %w", err)
	}
	if len(answers) != len(questions) {
		return nil, errors.New("DuckDB: " + strconv.Itoa(len(answers)) + " answers")
	}
	return answers, nil
}
