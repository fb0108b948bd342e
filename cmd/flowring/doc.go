// Flowring is the node, the command line and the demonstration of the flow-record aggregator in one program. This
// package has the commands, one file each; the packages below it do the work:
//
//	about      the help texts of commands without a package of their own
//	settings   the settings of serve: one table, from flags, environment and file
//	heap       the floor of a node's heap
//	lifetime   the start and the stop of a node
//	announce   the lines of a node that starts
//	log        the lines of a log
//	profile    the profiles of a running node
//	access     targets, credentials and timeouts of the client commands
//	records    reads the input of post and the answers to get
//	poster     sends the records of post, request by request
//	parts      cuts the input of import into parts
//	importer   sends the records of import, part by part
//	presets    lists the presets, and finds one
//	collect    the settings of collect, and its end
//	output     prints flows, tables and progress
//	ask        asks queries, and prints their answers
//	table      prints the rows of a query as a table with bars
//	top        shows the largest groups on a terminal
//	retention  prints which hours a cluster keeps
//	erase      erases hours of a cluster
//	backup     backs up a running node
//	restore    makes a data folder from a backup
//	check      checks the data folder of a stopped node
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
