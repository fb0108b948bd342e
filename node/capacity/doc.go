// Package capacity observes the memory of the process and the free space of the data folder's file system. A node
// refuses POSTs before either is used up (P12, P13).
//
// Memory and Disk are safe for concurrent use. Memory.Watch observes until its context ends; Disk.Check observes once.
package capacity
