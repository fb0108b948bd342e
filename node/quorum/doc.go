// Package quorum answers how many stores have each acknowledged batch of the cluster: the proven quorum.
//
// It is W as long as W never changes. A batch that was acknowledged under a smaller W is on fewer stores, until a store
// has proved that every batch is on W stores. The invariant of a Guard:
//
//	each acknowledged batch is on Proven() stores at least, or in the data folders of stores that were away during the
//	whole time of a lower W
//
// Four rules follow (P4, decision 0021). A node refuses a W of more than one above the proven quorum at its start. A node
// with a lower W acknowledges nothing before the lower value is in its data folder. A store is forgotten only if all
// others but Proven()-2 answer. A new store proves nothing in reads before it knows that the proven quorum is W.
//
// The value is in the data folder (membership.Quorum). Stores tell it each other in heartbeats. A Guard is safe for
// concurrent use.
package quorum
