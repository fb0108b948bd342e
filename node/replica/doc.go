// Package replica keeps every batch on enough stores: it replicates writes, reads completely, repairs differences, and
// hands over slices to other replicas.
//
// A write goes from the node asked (Submit) to the owner of the slice (Admit). The owner checks it, stores it, and
// sends it to the other replicas at the same time. It is acknowledged when W distinct established stores of the roster
// have it on disk (P1). The next candidate of the slice replaces a silent owner or replica. The batch keeps its dot in
// all attempts, so attempts may overlap (P2). A refusal reaches the client only if no earlier attempt can have had an
// effect (P3).
//
// A read (Read) asks every store of the roster for its digest of the slice, pulls missing batches, and pushes batches
// from fewer than W stores to more of them. The comment of Read says when the reading is complete (P4, P5). Concurrent
// reads of a slice share one round, which began after they arrived.
//
// Repair runs in the background and only pulls, from all other stores in parallel. Each replica of a slice compares
// its digest with the digest of every other store and fetches its missing batches. A store with a copy of a slice, and
// no replica of it, drops the copy after the R replicas have confirmed to hold all of it.
//
// Placement (package ring) only says where to look first. A store keeps every batch from a peer, and no promise needs
// two nodes to have the same ring.
//
// Concurrency: Replicas are safe for concurrent use. The loops of repair, scrub and sealing have one goroutine each.
// The functions of runDetached may outlive their requests. Stop waits for all of them.
package replica
