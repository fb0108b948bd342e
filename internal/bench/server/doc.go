// Package server runs the servers under measurement: it starts them, waits until they are ready, reads their cost
// and ends them.
//
// A Server is one kind of server: a yardstick (package yardstick) in one process, or a cluster of Flowring with one
// process for each node. All listen on loopback. Each server is new and has a folder of its own, which is removed at
// the end.
//
// The cost of a server is the CPU time of its processes, which the kernel's clock of each process tells. It does not
// include the cost of the client. Memory is the resident memory of the processes. Only Linux tells these figures.
//
// Every Server that Launcher.Start returns needs a call of End, which ends all processes. The kernel ends them if this
// process is killed. The methods of a Server are for one goroutine.
package server
