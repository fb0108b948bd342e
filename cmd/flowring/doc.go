// Flowring is the node, the command line and the demonstration of the flow-record aggregator, in one program: one file per
// subcommand.
//
//	main.go      signals, and nothing else
//	root.go      the tree of commands, the text of `flowring help`
//	exit.go      what an error looks like, exit codes
//	settings.go  what `flowring serve` can be told: ONE table
//	values.go    the kinds of setting (and size.go, quantity.go): how their text is read and checked
//	sources.go   where settings come from: flags, then environment, then file (file.go), then defaults
//	serve.go, settingshelp.go                     run a node, explain its settings
//	demo.go                                       run three
//	access.go, credentials.go, waiting.go         which nodes the clients ask, with which secrets, and why they wait
//	post.go, poster.go                            send records, any number of them
//	records.go, input.go, jsonsource.go, csvsource.go   read them in each form, in requests of bounded size
//	bench.go, benchrun.go, benchprint.go          make load with internal/load, and print how it is taken
//	get.go, flows.go, members.go, format.go, table.go   ask, and print
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
