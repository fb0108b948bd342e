// Package replica keeps every batch on enough stores: it replicates what is written, reads completely, repairs what differs and
// hands over what belongs elsewhere.
//
// A write travels from the node that received it (Submit) to the slice's owner (Admit), which checks it, applies it and sends it to
// the other replicas at once; it is acknowledged when W distinct established stores of the roster have it on disk (P1). The batch
// keeps its dot through all attempts, so attempts may overlap: an owner that does not answer is replaced by the next store of the
// slice's list, a replica likewise. A refusal is passed on only while no earlier attempt can have had an effect (P3).
//
// A read (Read) asks every store of the roster for its digest of the slice, pulls what is missing here, and pushes what is on
// fewer than W stores until it is not; its doc comment says when it is complete (P4, P5). Reads of one slice share a round that
// began after they arrived.
//
// Repair runs in the background and only pulls, from all other stores side by side: each replica of a slice compares its digest with that of every other store,
// whatever that one is, and fetches what it lacks. A store that holds a slice it is no replica of waits until the R replicas
// confirm that they have it all, and drops its copy.
//
// Placement (ring) is only where to look first. A store keeps whatever a peer sends it, and nothing here is wrong when two nodes
// see different rings for a while.
package replica
