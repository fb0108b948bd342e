// Package seeded is what hash tables make their hashes of, so that nobody who sends what is hashed can choose things that fall together
// (P16): words that are secret and drawn anew for each table, and a way to mix them in.
package seeded

import (
	"hash/maphash"
	"math/bits"
)

// Draw fills seeds with words that nobody can foretell.
func Draw(seeds []uint64) {
	for i := range seeds {
		seeds[i] = new(maphash.Hash).Sum64() // of nothing: it is the seed alone that shows
	}
}

// Mix returns the two halves of the product of two words, of which at least one must be unknown to the sender. To hash takes two
// rounds: after one, words that differ in their high bits alone still have low bits that go up in equal steps. (After wyhash.)
func Mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
