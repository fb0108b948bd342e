// Package hashseed mixes a secret seed into the hashes of a hash table, so that a client cannot construct keys that
// collide (P16). Each table draws its own seed.
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
// unknown to the client. A hash takes two rounds: after one round, inputs that differ only in their high bits still
// have low bits that rise in equal steps. The function is that of wyhash.
func Mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
