// Package importer answers one question: how do the records of files reach a cluster, each exactly once? It is the
// command import.
//
//	file --> parts (package parts) --> preset, or own records --> one request for each hour of a part
//
// The key of a request is made of the key of its part and its hour, and of nothing else. So a second run repeats the
// same requests, and each counts once (P2), whatever ended the first run. A request that a node knows under its key
// with other content was stored by a run with another mapping, such as another names file: it counts as stored before.
// An hour that the cluster has closed refuses its own requests alone; they are counted.
//
// Invariants:
//
//   - Records kept and records set aside are the records read, and so are their bytes.
//   - Every kept record is stored, or of an hour that the cluster does not take, or the run ends with an error.
//   - The memory does not depend on the length of a file, but for the sums of each hour of a part.
//
// An Importer belongs to one goroutine, but for the requests of a part, which it makes at the same time.
package importer
