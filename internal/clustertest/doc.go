// Package clustertest runs whole clusters in memory: real nodes, real gossip and HTTP over memnet, real journals on disks that lose
// power, inside one testing/synctest bubble, so that minutes of cluster time take milliseconds.
//
// Cluster is the harness: it starts, crashes, freezes and wipes nodes and cuts the network. Run drives one through a history, clients
// and faults side by side, and judges it with a Checker, which knows every batch that was ever sent. A history is a small text
// (Scenario), written down or drawn from a seed. A drawn one that fails is made small (Shrinking), so that it can be understood and
// committed with its fix.
//
// A safeguard that is switched off (package safeguard) must make the checker fail: that is tested for each.
package clustertest
