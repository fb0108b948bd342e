// Package node is one member of the cluster: it wires the parts together and runs them. New builds the very node that ships, in
// tests too; what tests replace is the network and the file system.
//
// A node holds one store. Who it is (store ID), whom it knows (roster) and what it has taken over (ring) are kept in the journal
// beside the batches. The roster changes in one place, membership.change, which makes it durable before anybody sees it, and then
// publishes it with its ring as one immutable value.
//
// Start opens the journal, listens, and starts the parts from the inside out; Stop undoes that from the outside in. Both are lists
// of named steps.
package node
