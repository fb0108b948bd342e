// Package spool answers one question: which payloads has a process promised to deliver? It keeps them in a folder until
// they are delivered. Each payload has a key of the caller, which makes a repeated delivery harmless.
//
// The folder has segments, files that only grow. Their names are numbers, which give the order of the payloads:
//
//	segment  = "FRSPOOL1" frame*
//	frame    = length u32 | crc u32 | key [16]byte | payload [length]byte    (little endian)
//	crc      = CRC-32C over length, key and payload
//
// Invariants:
//
//   - A payload is on disk, with its key, once Append has returned without an error. Next returns no other payloads.
//   - A process may end at any write. Open finds the whole frames of each segment up to the first byte that is wrong,
//     and counts the rest as torn. It changes no segment, and Append begins a new one.
//   - The segments have at most MaxBytes in all. Beyond that Append writes nothing and returns ErrFull.
//   - A segment is removed once all of its payloads are delivered. After a restart payloads of a segment that remained
//     are returned again, with their keys.
//   - After another error of Append the payload may be in the folder or not. The caller repeats Append with the same
//     key and the same payload; both copies count once.
//
// A lock file keeps a second process out. All methods may be called by any number of goroutines.
package spool
