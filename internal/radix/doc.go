// Package radix sorts large columns: words of 64 bits by some of their bits, and distinct names by their bytes.
//
// A caller sorts rows by a word for each row. The low bits of the word hold the position of the row, and the bits above
// them hold the ranks of its names. The sort then reads nothing but the words, so its cost for each row hardly grows
// with the number of rows. If the ranks of a row do not fit into one word, the caller sorts in several rounds, the
// least significant part first, because each round is stable.
//
// The ranks of names come from SortNames, which compares seven bytes at a time as one number.
//
// The functions keep no state, so any number of goroutines may call them.
package radix
