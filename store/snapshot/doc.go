// Package snapshot is the format of the snapshot of a sealed slice, on disk and between nodes.
//
// A snapshot replaces the batches of its digest. It holds their totals and their IDs. It consists of a head and at
// least one piece. The head and each piece is one value in the journal and one frame between nodes. Numbers are big
// endian:
//
//	head     kind (1 byte, 'H') | CRC-32C of the rest (4) | hour (8) | slice (4) | pieces (4) | encoded digest
//	IDs      kind (1 byte, 'I') | CRC-32C of the rest (4) | per ID: Key (16) | ID (16)
//	flows    an encoded batch without identity
//
// The first byte of an encoded batch is its version, which differs from both kinds. Each Key occurs once, with its
// first ID. Further IDs of the Key have a Key of zeros.
//
// The parsers accept only the output of the encoders (P16). Their errors wrap ErrMalformed or, for a piece with
// flows, an error of package flow. The package is pure.
package snapshot
