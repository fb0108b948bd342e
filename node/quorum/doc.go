// Package quorum answers one question: how many stores have each acknowledged batch of the cluster at least? It is the
// proven quorum V (P4, decision 0021), a fact of the roster:
//
//	W = V   always, in a cluster that never changed W
//	W < V   W has fallen: V falls as soon as a node is ready, and the node takes no write before
//	W > V   W has risen: V rises once all stores of the roster have put each of their batches on W stores
//
// The invariant of a Guard: before V is on disk, this node acts on no smaller W, and on no larger V. While V is not W,
// no answer of the cluster is complete (package replica/proof). A store is forgotten only if at most min(V, W)-2 other
// stores are silent.
//
// A Guard is safe for concurrent use.
package quorum
