// Flowring is the node, the command line and the demonstration of the flow-record aggregator in one program. Each subcommand has a
// file; package settings has the settings of serve.
//
//	main.go                                       signals
//	root.go                                       the tree of commands, the text of `flowring help`
//	exit.go                                       the form of an error, exit codes
//	serve.go, heap.go, settingshelp.go            run a node, explain its settings
//	demo.go                                       run three nodes
//	access.go, credentials.go, waiting.go         nodes, secrets and waiting of the commands that are clients
//	post.go, poster.go                            send records in requests of bounded size
//	records.go, input.go, jsonsource.go, csvsource.go   read records
//	bench.go, benchrun.go, benchprint.go          make load with internal/load, print the result
//	get.go, flows.go, format.go, table.go         read an hour, print it
//	members.go, roster.go                         print the cluster, drain nodes and forget stores
//	quantity.go                                   numbers such as 50k
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
