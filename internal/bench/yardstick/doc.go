// Package yardstick holds the servers for comparison with Flowring.
//
// They are HTTP handlers with the POST /flows and GET /flows?hour=H of a node:
//
//	Plain     a service that takes an hour to write: encoding/json, one mutex, a map of maps; no disk, copies, retries
//	          or limits.
//	ReadOnly  reads the body to its end and answers. No server that takes records over HTTP can cost less.
//	Memory    Flowring's own router, decoder and store without journal and cluster. The rest of a node's cost is theirs.
//
// A test compares the sums of Plain and Memory with those of a node. The program in the parent folder runs each
// yardstick as a process of its own. The handlers are safe for concurrent use.
package yardstick
