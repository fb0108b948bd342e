package radix

// digitBits is the largest digit of the radix sort, in bits. A pass writes to one position for each value of the
// digit, and with more bits these positions would not fit into the fast caches of the processor.
const digitBits = 11

// SortWords sorts words by the width bits above the lowest bits. It does as many passes of a counting sort as needed,
// the least significant digit first; each pass is stable. It returns the sorted words and the other slice, whose
// content is lost.
func SortWords(words, other []uint64, above, width int) (sorted, free []uint64) {
	passes := (width + digitBits - 1) / digitBits
	for left := passes; left > 0; left-- {
		bits := (width + left - 1) / left
		sortByDigit(words, other, above, bits)
		words, other = other, words
		above, width = above+bits, width-bits
	}
	return words, other
}

func sortByDigit(words, out []uint64, above, width int) {
	var next [1 << digitBits]uint32
	mask := uint64(1)<<width - 1
	for _, w := range words {
		next[w>>above&mask]++
	}
	position := uint32(0)
	for i, n := range next[:mask+1] {
		next[i] = position
		position += n
	}
	for _, w := range words {
		at := &next[w>>above&mask]
		out[*at] = w
		*at++
	}
}
