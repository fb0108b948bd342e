// Package duckdb measures DuckDB as the yardstick of queries: the same rows, as a table in memory, and the same
// questions as SQL, with one thread.
//
// DuckDB runs in Node.js. Open installs the pinned package @duckdb/node-api with npm into a temporary folder, so the
// module of the program does not depend on it. Without node or npm, or without a registry, Open fails with
// ErrUnavailable, and the benchmark skips the yardstick.
//
// The script measure.mjs loads a CSV file, runs each question once without measuring it, and then several times. It
// reads the CPU time of its process around each run.
package duckdb
