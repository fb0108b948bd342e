// Package encoded answers one question: which numbers, texts and names do the bytes of an encoding hold? It reads the
// parts that the formats between nodes and on disk share:
//
//	version          a byte
//	uvarint, varint  as package encoding/binary writes them
//	text             uvarint with its length | its bytes
//	names            uvarint number of names | uvarints with their lengths | the names
//
// Invariants (P16):
//
//   - An encoding of another version is refused by name, with both versions.
//   - A number has one form, the shortest one, so a format made of these parts has one encoding for each value.
//   - The memory for counted parts is proportional to the bytes that are left, whatever count the bytes claim.
//   - After its first fault a Reader reads zeros, and nothing is left of the bytes. A parser therefore tests Err once,
//     at its end, and its loops end because they read nothing more.
//
// Package flow reads batches with a parser of its own, which names the part of the batch in its errors.
//
// A Reader belongs to one goroutine.
package encoded
