// Package heap decides how much garbage the Go heap of a node may hold. A node that holds little does not spend its CPU
// time on the collection of garbage, and a node that holds many flows does not spend its memory on garbage.
//
// KeepFloor changes the percentage of GOGC while the process runs, and restores it at the end. It does nothing if the
// environment sets GOGC. Only one KeepFloor may run in a process.
package heap
