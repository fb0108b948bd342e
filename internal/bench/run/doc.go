// Run measures what Flowring costs beside the yardsticks of internal/bench and prints a table; `make bench` calls it.
//
//	run [-short] [-check FACTOR] [-json] [-only TEXT] [-flowring FILE]
//	                                                        measure, or only what has TEXT in its name
//	run -growth [-only TEXT] [-flowring FILE]               measure how cost grows with flows, hours, nodes and copies
//	run -profile DIR                                        write CPU profiles of nodes under load
//	run serve NAME                                          be one of the servers that are measured
//
// Each server is a process of its own, on loopback, fresh for each run, so that its cost is the CPU time of that process and
// nothing of the client's. Of each measure the servers take turns, and the median of the runs counts: what else the machine does
// meanwhile meets all of them. A node that is measured is `flowring serve` as it ships, its journal in a folder beside the binary.
//
// Every process is ended by whoever started it, however the measurement ends; so are the folders removed.
package main
