// Package ring places the slices of hours on the members of a cluster. It is pure: no I/O, no goroutines, no clock,
// nothing random.
//
// An hour is hashed to one of Partitions partitions. Each partition has a list of all members, owner first: the owner
// is chosen by consistent hashing with bounded loads, the further replicas by rendezvous hashing (docs/decisions/0001).
// An hour of several slices is hashed to a group of as many partitions. Their lists are reordered, so no member has
// more of the hour than its share (docs/decisions/0007).
//
//	flow.Slice --xxhash--> partition --table--> owner, second replica, third replica, ... every member once
//
// The ring is only a hint for writers and readers; no promise rests on two nodes agreeing about it. Nodes agree as soon
// as their rosters do (P7), and this agreement keeps data from moving back and forth.
//
// Invariants:
//
//   - The placement is a function of the set of names and of the number of slices. It does not depend on the order of
//     the names, nor on the order in which a node learned of them.
//   - Every list holds every member exactly once; with no members every list is empty.
//   - Of the S slices of an hour no member owns more than ceil(S / members).
//   - With one slice no member owns more than ceil(Load * Partitions / members) partitions. With several slices, shares
//     can take a member over this bound: in measurements with up to 64 members, to at most 1.5 times the mean.
//   - Algorithm and Parameters identify the placement, which may not change within a cluster. Nodes compare Parameters
//     when they meet.
//
// Concurrency: a Ring is immutable. Any number of goroutines may use one value; a change makes a new one.
package ring
