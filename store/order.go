package store

import (
	"math/bits"
	"slices"
	"sync"

	"flowring/flow"
)

// rowRef is the place of a flow: the shard in the top bits, the row in the others. 2^28 rows of a shard would take 10 GB.
type rowRef uint32

const rowBits = 32 - shardBits

func refTo(shard, row int) rowRef { return rowRef(shard)<<rowBits | rowRef(row) }

func (r rowRef) split() (shard, row int) { return int(r >> rowBits), int(r & (1<<rowBits - 1)) }

// order is the flows of a slice sorted by key, kept from one reading to the next: flows are never taken away, so what was sorted
// once stays so, and a reading with as many flows has the same ones. The rows, once there, are not written to.
type order struct {
	mu   sync.Mutex // held while sorting too: who reads at the same time would only sort the same flows again
	rows []rowRef
	ends [shardCount]int // how many rows of each shard are in rows
}

// of returns the flows of r sorted by key.
func (o *order) of(r *Reading) []rowRef {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch fresh := r.Len() - len(o.rows); {
	case fresh < 0: // it was copied before another that was sorted first, which has all of its flows
		return r.only(o.rows)
	case fresh == 0:
		return o.rows
	case fresh <= len(o.rows)/mergeShare:
		o.rows = r.merge(o.rows, r.beyond(&o.ends))
	default:
		o.rows = r.sort()
	}
	for i := range r.shards {
		o.ends[i] = len(r.shards[i].keys)
	}
	return o.rows
}

// mergeShare is how many times as many flows must be in order as are new for it to be cheaper to put these in between than to sort
// all of them again: to find one place takes as long as to sort some hundred rows.
const mergeShare = 256

// only returns those of the rows that r has.
func (r *Reading) only(rows []rowRef) []rowRef {
	own := make([]rowRef, 0, r.Len())
	for _, ref := range rows {
		if shard, row := ref.split(); row < len(r.shards[shard].keys) {
			own = append(own, ref)
		}
	}
	return own
}

// beyond returns the rows behind the given end of each shard.
func (r *Reading) beyond(ends *[shardCount]int) (fresh []rowRef) {
	for i := range r.shards {
		for row := ends[i]; row < len(r.shards[i].keys); row++ {
			fresh = append(fresh, refTo(i, row))
		}
	}
	return fresh
}

// merge returns a new list of the sorted rows and the fresh ones.
func (r *Reading) merge(rows, fresh []rowRef) []rowRef {
	slices.SortFunc(fresh, r.byKey)
	merged := make([]rowRef, 0, len(rows)+len(fresh))
	for _, ref := range fresh {
		at, _ := slices.BinarySearchFunc(rows, ref, r.byKey)
		merged = append(append(merged, rows[:at]...), ref)
		rows = rows[at:]
	}
	return append(merged, rows...)
}

func (r *Reading) byKey(a, b rowRef) int {
	return r.keyAt(a).Compare(r.keyAt(b))
}

func (r *Reading) keyAt(ref rowRef) flow.Key {
	shard, row := ref.split()
	return r.key(r.shards[shard].keys[row])
}

// sort returns the rows sorted by key. Each row becomes one word: its place in the low bits, and above them the ranks of the parts of
// its key. Words are sorted without a look at anything else, so that a flow costs about the same however many there are. Nearly always
// there is room for all three parts; what found none is sorted by in further rounds, which leave equals in the order of those before.
func (r *Reading) sort() []rowRef { return r.sortWith(r.places()) }

func (r *Reading) sortWith(places places) []rowRef {
	words, other := r.words(places), make([]uint64, r.Len())
	ranks := r.rank()
	for first := vpcPart; first <= srcPart; {
		last, shift, width := ranks.fitting(first, 64-places.width())
		r.fill(words, places, ranks, shift)
		words, other = sortWords(words, other, places.width(), width)
		first = last + 1
	}
	rows := make([]rowRef, len(words))
	for i, w := range words {
		rows[i] = refTo(places.split(w))
	}
	return rows
}

// places is how the place of a row stands in the low bits of a word: the shard above so many bits of the row.
type places uint

// places returns the narrowest that have room for all rows.
func (r *Reading) places() places {
	most := 0
	for i := range r.shards {
		most = max(most, len(r.shards[i].keys))
	}
	return places(bits.Len(uint(most)))
}

func (p places) width() int { return int(p) + shardBits }

func (p places) split(word uint64) (shard, row int) {
	return int(word >> p & (shardCount - 1)), int(word & (1<<p - 1))
}

// words returns a word for each row, with nothing but its place.
func (r *Reading) words(p places) []uint64 {
	words := make([]uint64, 0, r.Len())
	for i := range r.shards {
		for row := range r.shards[i].keys {
			words = append(words, uint64(i)<<p|uint64(row))
		}
	}
	return words
}

// fill puts the ranks of the parts of its key into each word, above its place.
func (r *Reading) fill(words []uint64, p places, ranks *ranks, shift [parts]int) {
	mask := uint64(1)<<p.width() - 1
	src, dest, vpc := ranks.of[srcPart], ranks.of[destPart], ranks.of[vpcPart]
	for i, w := range words {
		shard, row := p.split(w)
		k := &r.shards[shard].keys[row]
		above := uint64(src[k.src])<<shift[srcPart] | uint64(dest[k.dest])<<shift[destPart] | uint64(vpc[k.vpc])<<shift[vpcPart]
		words[i] = above<<p.width() | w&mask
	}
}

// digit is the most bits of a word that are sorted by in one pass: with more, the places that a pass writes to, one for each value,
// are too many for the processor to keep at hand.
const digit = 11

// sortWords sorts words by so many bits above the lowest ones, in as many passes of a counting sort as that takes: by the last digit
// first, each pass leaving equals as they are. It returns the sorted words and the other slice, whose content is lost.
func sortWords(words, other []uint64, above, width int) (sorted, free []uint64) {
	passes := (width + digit - 1) / digit
	for left := passes; left > 0; left-- {
		bits := (width + left - 1) / left
		sortByDigit(words, other, above, bits)
		words, other = other, words
		above, width = above+bits, width-bits
	}
	return words, other
}

func sortByDigit(words, out []uint64, above, width int) {
	var next [1 << digit]uint32
	mask := uint64(1)<<width - 1
	for _, w := range words {
		next[w>>above&mask]++
	}
	place := uint32(0)
	for i, n := range next[:mask+1] {
		next[i] = place
		place += n
	}
	for _, w := range words {
		at := &next[w>>above&mask]
		out[*at] = w
		*at++
	}
}
