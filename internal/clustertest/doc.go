// Package clustertest runs whole clusters in memory: real nodes, real gossip and HTTP over memnet, real journals on disks that lose
// power, inside one testing/synctest bubble, so that minutes of cluster time take milliseconds.
//
// Cluster is the harness: it starts, crashes, freezes and wipes nodes and cuts the network. Simulate drives one with a random history
// from a seed, clients and faults side by side, and judges it with a Checker, which knows every batch that was ever sent. A history
// is also a small text (Scenario), so that one which failed can be committed with its fix.
//
// A safeguard that is switched off (package safeguard) must make the checker fail: that is tested for each.
package clustertest
