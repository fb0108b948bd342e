// Package watch sends the rows of a query to viewers while they change: which rows does a viewer lack?
//
//	viewer --+                    once a second
//	viewer --+--> stream of one query --> evaluation --> version: tag, rows, changes since the version before
//	viewer --+
//
// All viewers of one query at a node share one stream, and so one evaluation a second and one encoding of each change.
// The evaluation names the tag of the last one, so an unchanged query costs the cluster one call to each store and no
// sums.
//
// A viewer is never behind by a queue: it has the number of the version that it got last. If exactly one version
// followed, it gets the change; if more did, it gets all rows. So a slow viewer costs no memory, and one that takes
// nothing for Config.SendTimeout is dropped.
//
// The events are server-sent events, with the tag of the version as id:
//
//	event: all       {"complete":"true","rows":[...]}                  replaces all rows
//	event: change    {"complete":"true","rows":[...],"removed":[...]}  rows that are new or have other sums; keys of rows
//	                                                                   that are gone
//	event: error     {"type":...}                                      an evaluation failed; the rows stay
//
// Invariants:
//
//   - all and the changes behind it have the rows of the query at some evaluation, and complete is its level (P5).
//   - The goroutine of a stream begins with its first viewer, and its last viewer waits for its end.
//   - Viewers, and rows of a stream, have limits (P12, P16).
//
// A Hub is safe for concurrent use.
package watch
