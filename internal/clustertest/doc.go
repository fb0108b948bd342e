// Package clustertest runs whole clusters in memory: real nodes, real gossip and HTTP over memnet, and real journals on
// disks that lose power, inside one testing/synctest bubble. Minutes of cluster time therefore take milliseconds.
//
// Cluster is the harness: it starts, crashes, freezes and wipes nodes, and cuts the network. Run runs a history on a
// cluster, with clients and faults side by side, and a Checker judges it by a ledger of all batches. A history is a
// small text (Scenario), written by hand or drawn from a seed. Shrinking makes a drawn history that fails small, so
// that a reader can understand it and commit it with the fix.
//
// For every safeguard (package safeguard) a test shows that the checker finds a fault without it.
package clustertest
