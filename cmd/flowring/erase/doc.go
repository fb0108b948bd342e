// Package erase has a cluster erase hours, and shows the plan and the progress.
//
// A node makes the plan and names it by a hash. Run prints it. With the name of the plan, with --yes, or once the user
// of a terminal has typed the name, Run asks for the erasure again and again until enough stores have it on disk. Each
// call goes on where the last one stopped, at any node. An interrupt ends the command; the same command goes on.
//
// Invariants:
//
//   - No hour is closed before its plan was printed, or its name was given.
//   - Standard input is read from a terminal alone.
//
// Run uses one goroutine.
package erase
