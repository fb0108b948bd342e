// Flowring is the node, the command line and the demonstration of the flow-record aggregator in one program. This package has the
// commands, one file each; the packages below it do the work:
//
//	settings   the settings of serve: one table, from flags, environment and file
//	heap       the floor of a node's heap
//	access     targets, credentials and timeouts of the commands that are clients
//	records    reads the input of post and the answers to get
//	output     prints flows, tables and progress
//	bench      runs the load of bench with internal/load
//
// What holds for all commands:
//
//   - The answer goes to stdout; all else (log, progress, notes, errors) to stderr.
//   - An error is printed once, as one line `flowring: <command>: ...`, and decides the exit code: see exit.go.
//   - The first SIGINT or SIGTERM ends the context of the command, a second one ends the program at once.
//   - A setting with a value that cannot be used is an error that names where the value stands, even where another source
//     overrides it; a misspelt key or flag is never passed over in silence.
//
// The program holds no logic of the cluster: it fills a node.Config, starts a node.Node and speaks through router/client.
package main
