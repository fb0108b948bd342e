// Package ring says where data belongs: the roster of stores that may hold any, and the ring of owners computed from it. It is
// pure: no I/O, no goroutines, no clock, and nothing random but the drawing of identifiers.
//
// An hour is hashed to one of Partitions partitions. Each partition has a list of all members, owner first: the owner is chosen
// by consistent hashing with bounded loads, the further replicas by rendezvous hashing (docs/decisions/0001). An hour of several
// slices is hashed to a group of as many partitions, whose lists are reordered so that no member has more of the hour than its
// share (docs/decisions/0007).
//
//	flow.Slice --xxhash--> partition --table--> owner, second replica, third replica, ... every member once
//
// The ring is a hint about where to put and to look first; no promise rests on two nodes agreeing about it. That they do
// agree as soon as their rosters do (P7) is what keeps data from moving back and forth.
//
// Invariants:
//
//   - The placement is a function of the set of names, and of the number of slices, alone: not of the order of the names, nor of the
//     order in which they were learnt.
//   - Every list holds every member exactly once; with no members every list is empty.
//   - Of the S slices of an hour no member owns more than ceil(S / members).
//   - With one slice no member owns more than ceil(Load * Partitions / members) partitions. With several, shares
//     can take a member over it: to 1.5 times the mean at the most of what was measured, with up to 64 members.
//   - A roster only grows. Merge is a union: idempotent, commutative and associative, so that the order in which rosters meet
//     makes no difference. Established and Forgotten, once set, stay set: a store that comes back cannot undo its tombstone.
//   - What Algorithm and Parameters name may not change within a cluster: nodes compare Parameters when they meet.
//
// Concurrency: Ring, Roster and Store are immutable. Any number of goroutines may use one value; a change makes a new one.
package ring
