// Package bench runs `flowring bench`: it connects internal/load, the load engine, with the nodes, prints progress and
// the result, and verifies the totals at the end.
//
// The command checks the flags. Bench.Run waits for all goroutines that it starts.
package bench
