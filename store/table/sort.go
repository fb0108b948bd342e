package table

import (
	"math/bits"

	"flowring/internal/radix"
)

// sort returns the rows sorted by key. Each row becomes one 64-bit word: the position of the row in the low bits, and
// above it the ranks of the parts of its key. A radix sort of the words reads nothing else, so the cost for each flow
// hardly grows with their number. Usually all three parts fit into a word. Parts without room are sorted by in
// further rounds, which are stable and so keep the order of the rounds before.
func (v *View) sort() []rowRef { return v.sortWith(v.layout()) }

func (v *View) sortWith(layout wordLayout) []rowRef {
	words, other := v.words(layout), make([]uint64, v.Len())
	ranks := v.rank()
	for first := vpcPart; first <= srcPart; {
		last, shift, width := ranks.fitting(first, 64-layout.width())
		v.fill(words, layout, ranks, shift)
		words, other = radix.SortWords(words, other, layout.width(), width)
		first = last + 1
	}
	rows := make([]rowRef, len(words))
	for i, w := range words {
		rows[i] = refTo(layout.split(w))
	}
	return rows
}

// wordLayout is the number of low bits of a word for the row. The shard is in the next bits above.
type wordLayout uint

// layout returns the narrowest layout with room for all rows.
func (v *View) layout() wordLayout {
	most := 0
	for i := range v.shards {
		most = max(most, len(v.shards[i].keys))
	}
	return wordLayout(bits.Len(uint(most)))
}

func (l wordLayout) width() int { return int(l) + shardBits }

func (l wordLayout) split(word uint64) (shard, row int) {
	return int(word >> l & (shardCount - 1)), int(word & (1<<l - 1))
}

// words returns a word for each row, with only its position.
func (v *View) words(l wordLayout) []uint64 {
	words := make([]uint64, 0, v.Len())
	for i := range v.shards {
		for row := range v.shards[i].keys {
			words = append(words, uint64(i)<<l|uint64(row))
		}
	}
	return words
}

// fill puts the ranks of the parts of its key into each word, above the position.
func (v *View) fill(words []uint64, l wordLayout, ranks *ranks, shift [parts]int) {
	mask := uint64(1)<<l.width() - 1
	src, dest, vpc := ranks.of[srcPart], ranks.of[destPart], ranks.of[vpcPart]
	for i, w := range words {
		shard, row := l.split(w)
		k := &v.shards[shard].keys[row]
		above := uint64(src[k.Src])<<shift[srcPart] | uint64(dest[k.Dest])<<shift[destPart] |
			uint64(vpc[k.VPC])<<shift[vpcPart]
		words[i] = above<<l.width() | w&mask
	}
}
