// Package member knows which nodes are alive and where they listen. It runs the gossip (hashicorp/memberlist, imported
// by this package alone) and publishes immutable views.
//
// Members.View returns the latest view from an atomic pointer. Members.Changed is signalled after each new view,
// without blocking. The gossip library calls back under its own locks: the callbacks here copy their arguments and
// return.
//
// The package adds three abilities to the library:
//
//   - The library refuses a known name at a new address for a long time. Every process start therefore gossips under
//     its own name, the node's name with a nonce. The metadata carry the node's name, its store and its addresses. The
//     later of two starts is the node (P8).
//   - The library never heals a partition once both sides have forgotten each other. A loop resolves the addresses,
//     adds every address ever seen, and joins in parallel the addresses without a node in view (P6).
//   - The library joins any node. Here both sides refuse nodes of another cluster, or with other parameters of
//     placement, and Members.Refusal states the reason.
//
// The gossip also carries one opaque state of the application (the roster) in its push/pull exchanges.
package member
