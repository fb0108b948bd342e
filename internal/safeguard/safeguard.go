// Package safeguard names the safeguards that tests switch off one at a time, to see that the tests notice: a checker that cannot
// fail proves nothing. The program that ships never switches one off; nothing but tests sets a Set.
package safeguard

// Set is a set of safeguards that are off. The zero value is that of the program that ships.
type Set uint32

// The safeguards, each with the promise that falls without it.
const (
	Dedup          Set = 1 << iota // a batch counts once, whatever was retried (P2)
	Quorum                         // an ack is given at W stores, not at one (P1)
	AskEverybody                   // a complete read asks every store of the roster, not its own alone (P4)
	PushBack                       // a complete read leaves what it has shown on W stores (P4)
	MergeRosters                   // rosters are merged before acks are counted (P4)
	Confirmation                   // a store counts once enough established stores know it, not any one (P4)
	ForgetGuard                    // a store is forgotten only when all others but W-2 answer, not a majority (P4)
	ForgetTwice                    // the guard of forgetting looks again once all have marked the store: some may know another (P4)
	Forgetter                      // the one node that forgets others is none that is leaving and may not (P6)
	Secure                         // what a store holds is on W others before it goes (P10)
	ConfirmDrop                    // a copy is dropped once the replicas hold it as replicas (P1)
	CountLast                      // acks are counted by the roster as all answers left it, not each by that of its time (P4)
	BegunRoster                    // a store learnt as forgotten during a read counts as silent (P4)
	DropLate                       // a copy outlives the reads that began before its replicas confirmed to hold it (P4)
	ShowHeard                      // a complete read shows all that was heard of (P4)
	LostDisk                       // a lost disk makes a new store (P9)
	Agreement                      // an hour is sealed once all stores agree on what is in it (P6)
	RefuseEarly                    // a write that can only fail is not begun: off where a control needs one to be under way
	Apart                          // a node dials the addresses that it remembers only where it was last
	Adoption                       // a node of no cluster belongs to one only once its own call to a join address was answered by a member
	Folder                         // a data folder that is gone is noticed (P13)
	ReadFuller                     // an hour that moves is read at the store that lacks least of it, within 4 s
	Scrub                          // a store finds out that it cannot read a batch before the other copies are gone (P1)
	Recovery                       // a store that started proves nothing until others have checked on it (P9)
	ReadyHeard                     // a node that starts is ready once it has heard W stores
	ReadyRecovered                 // a node that starts is ready once its store has recovered
	GiveUpOrder                    // a store that gives a drain up is established under its new ID before it forgets the old one (P4)
	ReadyUnrefused                 // a node that another one refuses is not ready
)

// Has reports whether s has every safeguard of which, so that each of them is off.
func (s Set) Has(which Set) bool { return s&which == which }
