package flow

import (
	"encoding/binary"
	"math/bits"
)

// The scanner reads eight bytes at a time, as the bytes of one number of which the first is the lowest. What it asks of each of
// them it asks of all at once; the answers are the highest bits of the bytes, and the lowest of the bits that are set is right,
// the ones above it need not be. The ways are those of Mycroft, Lamport and, for numbers, Lemire.
const (
	ones  = 0x0101010101010101 // times a byte: eight of it
	highs = 0x80 * ones
)

// lower and upper return the two words of 16 bytes.
func lower(p *[16]byte) uint64 { return binary.LittleEndian.Uint64(p[:8]) }
func upper(p *[16]byte) uint64 { return binary.LittleEndian.Uint64(p[8:]) }

// stops marks the bytes that end a run of plain text in a JSON string: quote, backslash and control characters.
func stops(w uint64) uint64 {
	// With its bit 1 flipped, a quote is the least character after the control characters, and these stay what they are.
	low, backslash := (w^0x02*ones)-0x21*ones, (w^'\\'*ones)-ones
	return (low | backslash) &^ w & highs
}

// nonDigits returns a word of digits as their values, and marks the bytes that are no digits.
func nonDigits(w uint64) (values, marks uint64) {
	values = w ^ '0'*ones
	return values, (values + 0x76*ones | values) & highs
}

// first returns how many bytes there are before the first marked one; 8 when none is.
func first(marks uint64) int { return bits.TrailingZeros64(marks) / 8 }

// before returns a word of which all bits before the first marked byte are set. At least one must be marked.
func before(marks uint64) uint64 { return marks&-marks>>7 - 1 }

// eightDigits returns the number that the values of eight digits make.
func eightDigits(values uint64) uint64 {
	values = values * (1 + 10<<8) >> 8 & 0x00ff00ff00ff00ff
	values = values * (1 + 100<<16) >> 16 & 0x0000ffff0000ffff
	return values * (1 + 10_000<<32) >> 32
}

// digitsOf returns the values of the eight digits of a number below 100,000,000: it is what eightDigits undoes. The quotients are exact
// for what is divided: 10486 is 2^20/100, 103 is 2^10/10, rounded up.
func digitsOf(n uint64) uint64 {
	fours := n/10_000 | n%10_000<<32
	hundreds := fours * 10486 >> 20 & 0x0000007f_0000007f
	twos := hundreds | (fours-100*hundreds)<<16
	tens := twos * 103 >> 10 & 0x000f_000f_000f_000f
	return tens | (twos-10*tens)<<8
}
