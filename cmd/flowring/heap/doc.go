// Package heap keeps the Go heap of a node at a floor, so that a node that holds little does not spend its CPU time on
// the collection of garbage.
//
// KeepFloor changes the percentage of GOGC while the process runs, and restores it at the end. It does nothing if the
// environment sets GOGC. Only one KeepFloor may run in a process.
package heap
