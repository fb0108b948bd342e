package scan

import (
	"encoding/binary"
	"math/bits"
)

// The scanner loads eight bytes as a little-endian word and tests all of them at once (SWAR). A test marks a byte by
// its top bit. Only the lowest mark is reliable: a byte above it may be marked without reason. The methods are those of
// Mycroft and Lamport and, for numbers, Lemire.
const (
	ones    = 0x0101010101010101 // ones*c is a word of eight bytes c
	topBits = 0x80 * ones
)

// lowWord and highWord return the two words of 16 bytes.
func lowWord(p *[16]byte) uint64  { return binary.LittleEndian.Uint64(p[:8]) }
func highWord(p *[16]byte) uint64 { return binary.LittleEndian.Uint64(p[8:]) }

// markStops marks the ends of plain text in a JSON string: quotes, backslashes and control characters.
func markStops(w uint64) uint64 {
	// Flipping bit 1 maps the quote to 0x20, directly above the control characters, and maps these to each other.
	low, backslash := (w^0x02*ones)-0x21*ones, (w^'\\'*ones)-ones
	return (low | backslash) &^ w & topBits
}

// markNonDigits marks all bytes except digits. It also returns the word with each digit replaced by its value.
func markNonDigits(w uint64) (values, marks uint64) {
	values = w ^ '0'*ones
	return values, (values + 0x76*ones | values) & topBits
}

// firstMarked returns the number of bytes before the first marked one, or 8 if no byte is marked.
func firstMarked(marks uint64) int { return bits.TrailingZeros64(marks) / 8 }

// maskBefore returns a mask of all bits before the first marked byte. At least one byte must be marked.
func maskBefore(marks uint64) uint64 { return marks&-marks>>7 - 1 }

// joinDigits returns the number of eight decimal digits, given the value of each digit.
func joinDigits(values uint64) uint64 {
	values = values * (1 + 10<<8) >> 8 & 0x00ff00ff00ff00ff
	values = values * (1 + 100<<16) >> 16 & 0x0000ffff0000ffff
	return values * (1 + 10_000<<32) >> 32
}

// splitDigits returns the values of the eight digits of a number below 100,000,000. It is the inverse of joinDigits.
// The multiplications divide exactly in this range: 10486 is 2^20/100 and 103 is 2^10/10, both rounded up.
func splitDigits(n uint64) uint64 {
	fours := n/10_000 | n%10_000<<32
	hundreds := fours * 10486 >> 20 & 0x0000007f_0000007f
	twos := hundreds | (fours-100*hundreds)<<16
	tens := twos * 103 >> 10 & 0x000f_000f_000f_000f
	return tens | (twos-10*tens)<<8
}
