// Package workload is the load of the benchmarks: posts over connections that stay open, with flows drawn by Zipf's law
// or flow after flow, and reads of whole hours.
//
// A Workload stops at the first post that is not stored. A post that is refused with the status 503 is sent again to
// the same process, and counted. The posts themselves are those of package internal/load.
//
// CPU returns the cost of a server while a workload runs. It does not include the cost of the client.
//
// The values are immutable. Run starts one goroutine for each connection and waits for all of them.
package workload
