// Flowring is the node, the command line and the demonstration of the flow-record aggregator in one program. This
// package has the commands, one file each; the packages below it do the work:
//
//	settings   the settings of serve: one table, from flags, environment and file
//	heap       the floor of a node's heap
//	access     targets, credentials and timeouts of the client commands
//	records    reads the input of post and the answers to get
//	poster     sends the records of post, request by request
//	output     prints flows, tables and progress
//	ask        asks queries, and prints their answers
//	table      prints the rows of a query as a table with bars
//	top        shows the largest groups on a terminal
//	bench      runs the load of bench with internal/load
//
// Rules for all commands:
//
//   - The answer goes to stdout. Log, progress, notes and errors go to stderr.
//   - An error is printed once, as one line `flowring: <command>: ...`, and decides the exit code: see exit.go.
//   - The first SIGINT or SIGTERM ends the context of the command. The second one ends the program at once.
//   - An invalid value of a setting is an error with the place of the value, even if another source overrides it. A
//     misspelt key or flag is an error.
//
// The program has no logic of the cluster: it fills a node.Config, starts a node.Node and uses router/client.
package main
