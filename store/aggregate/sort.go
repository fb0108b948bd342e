package aggregate

import (
	"iter"
	"math/bits"
	"slices"
	"sort"

	"flowring/flow/query"
	"flowring/internal/radix"
)

// part is a field of a group during the sort.
type part struct {
	word, shift int      // its number is in these 32 bits of a packedKey
	rank        []uint32 // by number, in the order of the query
	width       int      // bits of the ranks
}

// partOf returns a field as a part. The ranks of names are among the names in this field, to keep them narrow.
func (g *Groups) partOf(f query.Field, sorted []uint32, descending bool) part {
	p := part{word: 1}
	switch f {
	case query.SrcApp:
		p.word, p.shift = 0, 32
	case query.DestApp:
		p.word = 0
	case query.VPCID:
		p.shift = 32
	}
	if f == query.Hour || f == query.Day {
		sorted = g.times.sorted()
	}
	used := make([]bool, len(sorted)+1)
	for i := range g.index.slots {
		used[p.of(&g.index.slots[i])] = true
	}
	used[0] = false
	next := uint32(0)
	p.rank = make([]uint32, len(used))
	for _, number := range sorted {
		if used[number] {
			p.rank[number] = next
			next++
		}
	}
	if descending {
		for i := range p.rank {
			p.rank[i] = next - 1 - p.rank[i]
		}
	}
	p.width = bits.Len32(max(next, 1) - 1)
	return p
}

func (p *part) of(s *slot) uint32 { return uint32(s.key[p.word] >> p.shift) }

// sorted returns the numbers in the order of the times.
func (t *times) sorted() []uint32 {
	numbers := make([]uint32, 0, len(t.list))
	for i := 1; i < len(t.list); i++ {
		numbers = append(numbers, uint32(i))
	}
	slices.SortFunc(numbers, func(a, b uint32) int {
		if t.list[a] < t.list[b] {
			return -1
		}
		return 1
	})
	return numbers
}

// sorted returns the numbers in the order of the names.
func (n *names) sorted() []uint32 {
	if len(n.list) == 0 {
		return nil
	}
	numbers := radix.SortNames(n.list[1:])
	for i := range numbers {
		numbers[i]++
	}
	return numbers
}

// parts returns the grouped fields in the order of query.Spec.Compare, the least significant one first.
func (g *Groups) parts() (all []part) {
	sorted := g.names.sorted()
	fields, first := slices.Collect(g.fields.All()), query.Field(0)
	byField := g.spec.Sort.By == query.SortByField && !g.spec.HasSeries
	if byField {
		first = g.spec.Sort.Field
		fields = append([]query.Field{first}, slices.DeleteFunc(fields, func(f query.Field) bool { return f == first })...)
	}
	if g.spec.HasSeries {
		fields = append(fields[1:], fields[0])
	}
	for _, f := range slices.Backward(fields) {
		all = append(all, g.partOf(f, sorted, byField && f == first && g.spec.Sort.Descending))
	}
	return all
}

// sort orders the groups: a word for each one has the position of its slot in the low bits and ranks above them. Parts
// without room in the word are sorted by in further rounds.
func (g *Groups) sort() {
	if g.order != nil {
		return
	}
	position := bits.Len(uint(len(g.index.slots) - 1))
	words, other := make([]uint64, 0, g.index.count), make([]uint64, g.index.count)
	for i := range g.index.slots {
		if g.index.slots[i].key[1] != 0 {
			words = append(words, uint64(i))
		}
	}
	mask := uint64(1)<<position - 1
	for parts := g.parts(); len(parts) > 0; {
		n, width := 1, parts[0].width
		for n < len(parts) && position+width+parts[n].width <= 64 {
			width += parts[n].width
			n++
		}
		for i, w := range words {
			words[i] = g.ranked(parts[:n], w&mask, position)
		}
		words, other = radix.SortWords(words, other, position, width)
		parts = parts[n:]
	}
	g.order = make([]uint32, len(words))
	for i, w := range words {
		g.order[i] = uint32(w & mask)
	}
}

// ranked returns the word of a slot with the ranks of some parts.
func (g *Groups) ranked(parts []part, word uint64, shift int) uint64 {
	s := &g.index.slots[word]
	for i := range parts {
		p := &parts[i]
		word |= uint64(p.rank[p.of(s)]) << shift
		shift += p.width
	}
	return word
}

// wanted returns the slots of the groups that the query needs from this store, in its order: behind After, and as many
// as Limit could need of one store.
func (g *Groups) wanted() []uint32 {
	g.sort()
	order := g.order
	if after := g.spec.After; after != nil {
		order = order[sort.Search(len(order), func(i int) bool { return g.spec.Compare(g.keyAt(order[i]), *after) > 0 }):]
	}
	if g.spec.Limit > 0 && g.spec.MinBytes == 0 && g.spec.Sort.By != query.SortByMeasure {
		order = order[:min(len(order), g.spec.Limit+1)] // one more shows that there is a next page
	}
	return order
}

func (g *Groups) keyAt(at uint32) (k query.Key) {
	s := &g.index.slots[at]
	k.Time = g.times.list[uint32(s.key[1])]
	if src := s.key[0] >> 32; src > 0 {
		k.Src = g.names.list[src]
	}
	if dest := uint32(s.key[0]); dest > 0 {
		k.Dest = g.names.list[dest]
	}
	if vpc := s.key[1] >> 32; vpc > 0 {
		k.VPC = g.names.list[vpc]
	}
	return k
}

// Blocks yields the groups in the order of the query, in blocks of the given number of rows or fewer. A block is valid
// until the next one.
func (g *Groups) Blocks(size int) iter.Seq[[]query.Row] {
	return func(yield func([]query.Row) bool) {
		var block []query.Row
		for some := range slices.Chunk(g.wanted(), size) {
			block = block[:0]
			for _, at := range some {
				row := query.Row{Key: g.keyAt(at)}
				row.Tx, row.Rx = g.index.sums(&g.index.slots[at])
				block = append(block, row)
			}
			if !yield(block) {
				return
			}
		}
	}
}
