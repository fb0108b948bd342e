// Package safeguard names the safeguards of the cluster, one for each promise or rule at risk. Tests switch off one at
// a time, as a negative control: the checkers of the tests must detect the loss, because a checker without a failure
// proves nothing. Nothing but tests sets a Set, so the shipped program has every safeguard.
package safeguard

// Set is a set of safeguards switched off. The shipped program uses the zero value.
type Set uint64

// The safeguards, each with the promise at risk without it.
const (
	Dedup           Set = 1 << iota // a batch counts once, whatever was retried (P2)
	Quorum                          // an ack is given at W stores, not at one (P1)
	AskEverybody                    // a complete read asks every store of the roster, not its own alone (P4)
	PushBack                        // a complete read leaves the batches of its answer on W stores (P4)
	MergeRosters                    // rosters are merged before acks are counted (P4)
	Confirmation                    // a store counts once enough established stores know it, not any one (P4)
	ForgetGuard                     // a store is forgotten only if all others but W-2 answer, not a majority (P4)
	ForgetTwice                     // the guard of forgetting checks again after the mark, with the merged rosters (P4)
	Forgetter                       // the node that forgets others is not one that is leaving, as that may not (P6)
	Secure                          // the batches of a store are on W others before it leaves (P10)
	ConfirmDrop                     // a copy is dropped once the replicas hold it as replicas (P1)
	CountLast                       // acks are counted by the last roster, not each by the roster of its time (P4)
	BegunRoster                     // a store learnt as forgotten during a read counts as silent (P4)
	DropLate                        // a copy outlives the reads begun before its replicas confirmed to hold it (P4)
	ShowHeard                       // a complete read shows every batch named by any answer (P4)
	LostDisk                        // a lost disk makes a new store (P9)
	Agreement                       // an hour is sealed once all stores agree on its content (P6)
	RefuseEarly                     // a write without a chance is not begun; off if a control needs one under way
	Apart                           // a node dials its saved addresses only at its last address
	Adoption                        // a node adopts a cluster only after an answer to its own call to a join address
	Folder                          // the loss of the data folder is detected (P13)
	ReadFuller                      // an hour on the move is read within 4 s, at the store that lacks least of it
	Scrub                           // a store detects an unreadable batch before the other copies are gone (P1)
	Recovery                        // a store proves nothing after its start until others have checked on it (P9)
	ReadyHeard                      // a node is ready after its start once it has heard W stores
	ReadyRecovered                  // a node is ready after its start once its store has recovered
	GiveUpOrder                     // after a given-up drain, the new ID is established before the old is forgotten (P4)
	ReadyUnrefused                  // a node is not ready while another node refuses it
	Unreadable                      // a store with unreadable batches of an hour counts as silent in its reads (P4)
	AbsentVersion                   // an absent store that last said an older version holds a newer one back
	KeepUnknown                     // a node passes on the roster's fields of later programs, which it does not know
	QueryJudged                     // a store adds up for a query exactly the batches that were judged (P4)
	CallerCert                      // a caller of the peer port has a certificate of the authority (P17)
	CallerName                      // the certificate of a caller is of the node that the caller claims to be (P17)
	CalledCert                      // a called node has a certificate of the authority (P17)
	CalledName                      // the certificate of a called node is of the node that the caller means (P17)
	KeyFirst                        // the key of a request is looked up before its closed hours refuse it (P3)
	AskAllBefore409                 // a request of a closed hour is refused once all stores lack it, not one (P3)
	AskUnderWay                     // and once no store has another attempt of it under way (P3)
	SayExpired                      // a store says expired of an hour below its floor, not that it holds nothing (P4)
	StoreFloor                      // a store neither takes nor shows a batch of an hour below its floor (P4)
	ByKey                           // of a batch that a preset made the key and the hour decide (P2)
	HeldCopies                      // a batch held in place of another is on W stores before the answer (P1)
	FloorMajority                   // more than half of the stores, and W, raise the floor of closed hours, not one
	FloorRate                       // the floor of closed hours passes 24 announced hours with data in an hour
	FloorWait                       // the floor of deleted hours follows 24 hours later
	FloorStill                      // the floor of deleted hours follows only while the stores would still close the hours
	ProvenReads                     // no answer is complete while the proven quorum is not W (P4)
	ProvenForget                    // a store is forgotten by the proven quorum, if it is below W (P4)
	ProvenByAll                     // the proven quorum rises only once all stores have secured their batches (P4)
	ProvenFirst                     // a node with a lower W takes no write before the proven quorum is as low (P4)
	FloorDurable                    // a floor is on disk before hours are deleted (P4)
	MergeMarks                      // an ack counts after the marks of its store: no erased batch is acknowledged (P1)
	PacksApart                      // the batches of a pack keep their IDs, and are not added up (P2)
	EnoughMarks                     // all stores but W-1, and W, have an hour as closed before it is erased (P1)
)

// Has reports whether every safeguard of which is switched off.
func (s Set) Has(which Set) bool { return s&which == which }
