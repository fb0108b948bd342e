// Package node runs one node of the cluster: it connects the parts, decides about membership, and stops the parts in
// order.
//
// New builds the node of the shipped program, in tests too. Tests replace the network and the file system only. Start
// opens the journal, listens, and starts the parts from the inside out. Stop undoes the steps in reverse order; the
// requests under way finish first.
//
// # Membership
//
// A node holds one store. The store's ID and the roster are durable (package membership). heartbeatLoop calls every
// known node once a second and takes the steps below. Forgetting and draining run one at a time (beginRemoval). The
// table has the states of a store, with the functions of the transitions:
//
//	From                  Event and guard                                        To                    Function
//	started               another live process has this node's name              the process ends      checkName
//	started               its address changed, no join address leads elsewhere   apart until restart   restoreAddresses
//	provisional           the gossip shows other nodes, no namesake is alive     known to others       heartbeatLoop
//	of no cluster         a member answered a call to a join address             of the cluster        adoptCluster
//	of no cluster, empty  no join address is configured                          established           mayFound
//	of no cluster, empty  expected nodes see each other; lowest name all reach   established           mayFound
//	of a cluster          W established confirm it, or all stores and >= 1       established           mayEstablish
//	established           drain: W adopt the mark, W others hold its batches     forgotten (drained)   Drain
//	leaving               the drain is given up, or the process restarts         of a cluster, new ID  giveUpDrain
//	new ID established    the store has an ID of a drain that was given up       old ID forgotten      forgetFormer
//	other store, silent   absent 15 min, or its node has a new one; all but W-2  leaving, forgotten    forgetAbsent
//	other store, silent   an operator asks; all but W-2 answer, or --force       leaving, forgotten    Forget
//	forgotten             a merged roster has this store as forgotten            of a cluster, new ID  State.replaceID
//	started               all stores but W-2 secured their batches               recovered             Replicas.recover
//
// A provisional node sends and answers no heartbeat. A node apart calls no other node and takes no writes. Readiness
// for requests is a separate question (package readiness), and so is the presence of other nodes (package directory).
//
// The roster never loses a mark, and each transition can be repeated safely. Decision 0002 and docs/model have the
// proof.
package node
