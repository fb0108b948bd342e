// Bench measures the cost of Flowring beside the yardsticks and prints a table; `make bench` calls it.
//
//	bench [-short] [-check FACTOR] [-json] [-only TEXT] [-flowring FILE]
//	                                             measure everything, or only the tables with TEXT in their titles
//	bench -growth [-only TEXT] [-flowring FILE]  measure how cost grows with flows, hours, nodes and copies
//	bench -traffic [-short] [-check FACTOR] [-only TEXT] [-profile DIR]
//	                                             measure posts of many forms: package traffic
//	bench -profile DIR                           write CPU profiles of nodes under load
//	bench serve NAME                             serve one of the yardsticks, or a node that writes a profile
//
// Package server starts and ends the servers and reads their cost. Package internal/load, the engine of `flowring
// bench`, makes the load: load.go sets it up, measure.go and the growth files use it. The cost of a server does not
// include the cost of the client.
//
// In each round of a measurement every server has one run, and the median of its runs counts, so that other work of the
// machine affects all servers alike. A node under measurement is `flowring serve` as it ships, with its journal in a
// folder beside the program.
package main
