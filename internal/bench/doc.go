// Package bench holds what Flowring is measured against, and with what.
//
// The yardsticks are HTTP handlers that take the same POST /flows and GET /flows?hour=H as a node:
//
//	Plain     what one writes in an hour: encoding/json, one mutex, a map of maps. No disk, no copies, no retries, no limits.
//	ReadOnly  reads the body to its end and answers. Nothing that takes records over HTTP can cost less.
//	Memory    Flowring's own router, decoder and store, without journal and cluster: what is left of a node's cost is theirs.
//
// A Workload makes the bodies to send. The program in the folder run starts each of them, and `flowring serve`, as a process
// of its own and prints what they cost side by side: `make bench`. docs/performance.md has the results.
package bench
