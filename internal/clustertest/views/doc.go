// Package views answers one question for the histories of internal/clustertest: do the nodes see the same cluster?
//
// The views of all running nodes, by the names of the nodes, are its input: answers of Node.Members. Agree finds the
// first difference, and Picture prints all views in short, for the message of a fault.
//
// The package is for tests alone. Its functions are pure.
package views
