// Package hashseed mixes a secret seed into the hashes of a hash table, so a client cannot construct colliding keys
// (P16). Each table draws its own seed.
package hashseed

import (
	"hash/maphash"
	"math/bits"
)

// Draw fills seeds with unpredictable words.
func Draw(seeds []uint64) {
	for i := range seeds {
		seeds[i] = new(maphash.Hash).Sum64() // the hash of no bytes depends on the random seed alone
	}
}

// Mix returns the exclusive or of the two halves of the product of a and b. At least one of the two words must be
// unknown to the client. A hash takes two rounds: after one round, inputs with
// different high bits and equal low bits still give low bits in equal steps. The function is the one of wyhash.
func Mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
