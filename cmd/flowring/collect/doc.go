// Package collect is the command flowring collect: which settings does the agent of internal/collect have, and when
// does it end?
//
// Run starts an agent, prints the addresses on which it listens, waits until its context ends, and stops it. Records
// that are in the spool at the end stay there for the next run.
//
// A Command belongs to one goroutine and is used once.
package collect
