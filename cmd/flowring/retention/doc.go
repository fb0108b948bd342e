// Package retention answers one question: how does the command line show the hours that a cluster keeps?
//
// Notes has the floors and their next raises in sentences, for a cluster with a retention. Print adds the proposals of
// the stores as a table. Hours are shown as numbers and as the times at which they begin, in UTC.
//
// The package is without state. It writes to the writers of its callers alone.
package retention
