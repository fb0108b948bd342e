// Package answer builds the answers to GETs: it opens the slices of an hour at their owners and writes their flows as
// one JSON array.
//
// An hour has one slice or several (--hour-slices). Reader.Hour opens every slice at the first store of its list that
// answers: at this node (Reader.Slice, which also serves other nodes), or through the peer client. An hour of one slice
// is passed on unchanged. Several slices are merged while they are written. Each comes sorted by key, in parts, and a
// tournament tree picks the least key. Memory therefore does not depend on the number of flows. The parts of a slice
// share one table of names if it has few names. Few names of all slices together are ranked before the merge, which
// then takes the least of a number for each slice instead.
//
// An answer carries its completeness (P5) and a tag. The tag is a function of the set of batches in the answer, equal
// on every node. An hour is as complete as its least complete slice, and its tag is a hash of the tags of its slices.
// If the reader has the answer already, by its tag, the answer is opened without flows.
//
// A Reader is safe for concurrent use. An answer belongs to one goroutine. It holds a CPU slot while it sorts, merges
// and encodes, but never while it waits for a store or for the client, because two answers with a slot each could
// otherwise wait for each other.
package answer
