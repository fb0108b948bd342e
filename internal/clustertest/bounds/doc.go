// Package bounds answers one question for the histories of internal/clustertest: how far may the floors of retention
// have risen by now, and which hours may be erased?
//
// Nodes that are right close an hour once it is as old as the retention, and delete it a day later. A Bounds knows the
// mistakes of nodes: a lowered retention, or a wrong wall clock. A single wrong node moves no floor, because each
// cluster of a history has at least two established stores. Two of them may close hours. These hours are deleted a day
// later, if the right nodes would close them too by then, or if the mistake lasts. The bounds are a little loose in
// other cases, and never too tight: each of them only rises.
//
// An hour may be empty once a test has begun to erase it. From the moment on at which enough stores have it as closed
// no node may acknowledge a request of it.
//
// A Bounds belongs to one bubble and is safe for concurrent use.
package bounds
