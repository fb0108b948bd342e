// Package compat answers one question: which formats may a node write, and which can it read? One number, the cluster
// version, covers all formats: peer calls and streams, roster, gossip metadata, journal values and data folder.
//
// A program speaks a Range of versions: it reads and writes the formats of each. One version is on in a cluster. A node
// writes the formats of the version that is on and reads those of its whole range. A version is on once every store of
// the roster that is not forgotten speaks it (ring/roster, node/membership).
//
//	version  first formats
//	1        the formats of the first versioned program. Offers, and the version in the data folder. Nodes and folders
//	         of earlier programs count as version 1, because their formats are the same
//	2        totals of slices in the data folder; calls between nodes for queries of many hours; the flows
//	         of a slice as columns
//	3        floors of retention, marks of erased hours, and the proven quorum in the roster; the calls
//	         for batches of which the key and the hour decide; the IDs of requests in calls on streams;
//	         packs of small batches in the data folder and between nodes
//
// A change of a format that an older program cannot read is a Feature of the next version. A new feature needs three
// lines: its constant in versions.go, its row in the table above, and at the writer a condition such as
//
//	if compat.Packs.On(cluster.Version()) { write the new format }
//
// Readers need no condition: they read both formats, because a format names itself. The first feature of a version
// raises Newest. Raising Oldest ends the support of old formats.
//
// Invariants: the version that is on never falls. A reader refuses a format of a newer version by name, with both
// versions in the message, and never guesses.
//
// The package is pure. Its values are immutable.
package compat
