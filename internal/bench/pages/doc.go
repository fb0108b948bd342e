// Package pages measures a load of the overview page: the time until a client has the whole page, and the CPU time of
// all nodes.
//
// A cluster gets a million flows over 24 hours, and each flow is in one hour. The flows are between a thousand
// applications, and nearly every flow has a pair of applications of its own. No chart therefore has fewer rows to add
// up than flows exist. A client then loads the page of the 24 hours, one load after the other. Neither the page nor an
// answer is in a cache: each load reads the stores of all nodes.
//
// A load of the machine by other programs lengthens the time, and hardly changes the CPU time. Therefore Measure prints
// the load average of the machine beside the times.
//
// Measure returns the loads of each kind of server. It is for one goroutine.
package pages
