// Package node runs one node of the cluster: it connects the parts, decides about membership, and stops them in order.
//
// New builds the node of the shipped program, in tests too. Tests replace the network and the file system only. Start opens the journal,
// listens, and starts the parts from the inside out; Stop undoes the steps in reverse order. The requests under way finish first.
//
// # Membership
//
// A node holds one store. The store's ID and the roster are durable (package membership). The goroutine of heartbeatLoop calls every known
// node once a second and takes the steps below; forgetting and draining run one at a time (beginRemoval). These are the states of a store:
//
//	From                  Event and guard                                              To                   Function
//	started               another live process has this node's name                    the process ends     checkName
//	started               its address changed, and no join address is another node's   apart until restart  restoreAddresses
//	provisional           the gossip shows other nodes, no namesake is alive           known to others      heartbeatLoop
//	of no cluster         a member answered a call to a join address                   of the cluster       adoptCluster
//	of no cluster, empty  no join address                                              established          mayFound
//	of no cluster, empty  all expected nodes see each other; first one all can reach   established          mayFound
//	of a cluster          W established stores confirm it, or all answer and >= 1      established          mayEstablish
//	established           drain: W stores adopt the mark, others hold its batches      forgotten (drained)  Drain
//	leaving               the drain is given up, or the process restarts               new ID of a cluster  giveUpDrain
//	new ID established    an ID of a drain given up is left                            old ID forgotten     forgetFormer
//	other store, silent   absent 15 min, or its node has a new store; all but W-2      leaving, forgotten   forgetAbsent
//	other store, silent   an operator asks; all but W-2 answer, or --force             leaving, forgotten   Forget
//	forgotten             this store reads its own mark in a roster                    new ID of a cluster  membership.State
//	started               all stores but W-2 secured their batches                     recovered            replica.Replicas
//
// A node of state provisional sends and answers no heartbeat. A node of state apart calls no other node and takes no writes. Readiness
// for requests is a separate question (package readiness), and so is the presence of other nodes (package directory).
//
// Marks on the roster are never taken back, and each transition is safe to repeat. Decision 0002 and docs/model have the proof.
package node
