package digest

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"iter"
	"slices"
	"strings"

	"flowring/flow"
)

// Digest is a set of dots. The zero value is the empty set.
//
// Only Add changes a digest. The result of a method shares no memory with its operands. A plain copy of a Digest
// shares its memory, so a digest that is still added to is copied with Clone.
type Digest struct {
	origins []originSeqs // ascending by origin, each with at least one seq
}

type originSeqs struct {
	origin uint64
	seqs   intervals
}

// Of returns the set of the given dots.
func Of(dots ...flow.Dot) Digest {
	var d Digest
	for _, dot := range dots {
		d.Add(dot)
	}
	return d
}

// Add puts dot into the set and reports whether it is new.
func (d *Digest) Add(dot flow.Dot) bool {
	i, found := d.search(dot.Origin)
	if !found {
		d.origins = slices.Insert(d.origins, i, originSeqs{origin: dot.Origin})
	}
	o, added := &d.origins[i], false
	o.seqs, added = o.seqs.add(dot.Seq)
	return added
}

func (d Digest) search(origin uint64) (int, bool) {
	return slices.BinarySearchFunc(d.origins, origin, func(o originSeqs, origin uint64) int {
		return cmp.Compare(o.origin, origin)
	})
}

// Has reports whether dot is in the set.
func (d Digest) Has(dot flow.Dot) bool {
	i, found := d.search(dot.Origin)
	return found && d.origins[i].seqs.has(dot.Seq)
}

// Clone returns a copy without shared memory.
func (d Digest) Clone() Digest {
	origins := slices.Clone(d.origins)
	for i := range origins {
		origins[i].seqs = slices.Clone(origins[i].seqs)
	}
	return Digest{origins}
}

// Union returns the dots in d, in o or in both.
func (d Digest) Union(o Digest) Digest {
	return d.combine(o, intervals.union)
}

// Minus returns the dots of d outside of o.
func (d Digest) Minus(o Digest) Digest {
	return d.combine(o, intervals.minus)
}

// Intersect returns the dots in both d and o.
func (d Digest) Intersect(o Digest) Digest { return d.Minus(d.Minus(o)) }

// Lacks reports whether o has a dot outside of d.
func (d Digest) Lacks(o Digest) bool { return !o.Minus(d).Empty() }

// combine applies f to the seqs of each origin of d and o, in order. f returns a new set.
func (d Digest) combine(o Digest, f func(a, b intervals) intervals) Digest {
	var out Digest
	a, b := d.origins, o.origins
	for len(a) > 0 || len(b) > 0 {
		var origin uint64
		var left, right intervals
		takeLeft := len(a) > 0 && (len(b) == 0 || a[0].origin <= b[0].origin)
		takeRight := len(b) > 0 && (len(a) == 0 || b[0].origin <= a[0].origin)
		if takeLeft {
			origin, left, a = a[0].origin, a[0].seqs, a[1:]
		}
		if takeRight {
			origin, right, b = b[0].origin, b[0].seqs, b[1:]
		}
		if seqs := f(left, right); len(seqs) > 0 {
			out.origins = append(out.origins, originSeqs{origin, seqs})
		}
	}
	return out
}

// Equal reports whether both have the same dots.
func (d Digest) Equal(o Digest) bool {
	return slices.EqualFunc(d.origins, o.origins, func(a, b originSeqs) bool {
		return a.origin == b.origin && slices.Equal(a.seqs, b.seqs)
	})
}

// Empty reports whether the set has no dot.
func (d Digest) Empty() bool { return len(d.origins) == 0 }

// Count returns the number of dots, or 2^64-1 if there are more. A digest from another node may claim any number.
func (d Digest) Count() uint64 {
	n := uint64(0)
	for _, o := range d.origins {
		n = addCounts(n, o.seqs.count())
	}
	return n
}

// Count returns the number of dots of all digests together, or 2^64-1 if there are more.
func Count(digests iter.Seq[Digest]) uint64 {
	n := uint64(0)
	for d := range digests {
		n = addCounts(n, d.Count())
	}
	return n
}

// Dots iterates over the set by origin, then seq, which is the order of the journal.
func (d Digest) Dots() iter.Seq[flow.Dot] {
	return func(yield func(flow.Dot) bool) {
		for _, o := range d.origins {
			for _, v := range o.seqs {
				for seq := v.first; ; seq++ {
					if !yield(flow.Dot{Origin: o.origin, Seq: seq}) {
						return
					}
					if seq == v.last { // not the condition of the loop, because last may be 2^64-1
						break
					}
				}
			}
		}
	}
}

// Ranges iterates over the set by origin, then seq, with the first and the last dot of each interval.
func (d Digest) Ranges() iter.Seq2[flow.Dot, flow.Dot] {
	return func(yield func(first, last flow.Dot) bool) {
		for _, o := range d.origins {
			for _, v := range o.seqs {
				if !yield(flow.Dot{Origin: o.origin, Seq: v.first}, flow.Dot{Origin: o.origin, Seq: v.last}) {
					return
				}
			}
		}
	}
}

// Sum returns a hash of the set: the first half of the SHA-256 of its encoding. Two digests have the same sum if and
// only if they are equal.
func (d Digest) Sum() (sum [16]byte) {
	hash := sha256.Sum256(d.Encode())
	copy(sum[:], hash[:])
	return sum
}

// Size estimates the memory of the set in bytes.
func (d Digest) Size() int64 {
	n := int64(0)
	for _, o := range d.origins {
		n += 32 + 16*int64(cap(o.seqs))
	}
	return n
}

// String returns the intervals of each origin, for example {0000000000000007: 1-4 9}.
func (d Digest) String() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, o := range d.origins {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%016x:", o.origin)
		for _, v := range o.seqs {
			fmt.Fprintf(&b, " %s", v)
		}
	}
	b.WriteByte('}')
	return b.String()
}

// String returns the interval as first-last, or its only seq.
func (v interval) String() string {
	if v.first == v.last {
		return fmt.Sprint(v.first)
	}
	return fmt.Sprintf("%d-%d", v.first, v.last)
}
