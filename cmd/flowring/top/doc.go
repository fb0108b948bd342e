// Package top shows the largest groups of flows on a terminal, and keeps them fresh: which rows does the user see, and
// which keys change them?
//
// A Screen asks a query with top=N every few seconds, where N fills the terminal. A key changes the sum or the groups,
// and the query is asked again at once: the node sorts, because the largest groups by another sum may be other groups.
// A node with the same answer says so by its tag, and sends nothing.
//
//	b t r   the largest by bytes in both directions, sent, received
//	g       other groups
//	q ^C    the end
//
// The screen ends with an error if no node answers in time, and without one at the keys and at a signal. Terminal puts
// the terminal into raw mode and shows the screen beside the lines of the shell; its restore undoes both in every case.
//
// Run starts two goroutines: one reads the keys, and one asks the query in progress. Run waits for both. All state is
// that of Run.
package top
