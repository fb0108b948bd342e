// Package member says which nodes are alive and where they listen. It runs the gossip (hashicorp/memberlist, which only this
// package imports) and publishes what it learns as immutable views.
//
// Members.View returns the latest view from an atomic pointer; Members.Changed is signalled, without blocking, after each new
// one. The gossip library calls back under its own locks: the callbacks here copy what they are given, and return.
//
// What the library does not do by itself is done here:
//
//   - A name that returns with another address is refused by it for a long time. Every process start therefore gossips under a
//     name of its own, the node's name and a nonce; the node's name, its store and its addresses travel in the metadata. Of two
//     starts of one node the later one is the node (P8).
//   - It never heals a partition once both sides have forgotten each other. A loop resolves the join addresses, adds every
//     address at which a node was ever seen, and joins those that are not in the view, in parallel (P6).
//   - It joins whatever answers. Nodes of another cluster, or with other parameters of placement, are refused by both sides,
//     and Members.Refusal says so in words.
//
// Besides membership the gossip carries one opaque state of the application (the roster) in its push/pull exchanges.
package member
