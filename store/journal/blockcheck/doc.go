// Package blockcheck answers one question: is a block of a table damaged?
//
// Pebble reads each block of a table with one ReadAt, and compares its checksum. For a damaged block it then tries each
// of the first 327,680 bits, in the hope of a single flipped one, and computes the checksum of the whole block each
// time: 0.4 s of CPU for a block of 32 kB, 12 s for 1 MiB, and 49 s for 4 MiB. The result is a detail of a message
// alone.
//
// The file system of Wrap compares the checksum first, and fails the read of a damaged block with the error that Pebble
// would have at the end. A block ends with its trailer:
//
//	content | compression (1) | CRC-32C of content and compression, masked (4, little endian)
//
// Invariants:
//
//   - Only reads of at least minLen bytes are compared. Any other read of a table, of its footer, is shorter.
//   - A good block costs one more checksum: 1.5 us for 32 kB.
//
// A file system that Wrap returns is as safe for concurrent use as the one that it wraps.
package blockcheck
