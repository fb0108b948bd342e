package digest

import (
	"math"
	"slices"
	"sort"
)

// interval holds the seqs from first to last, both included.
type interval struct{ first, last uint64 }

// intervals is a set of seqs: s[i].first <= s[i].last, and s[i].last+1 < s[i+1].first, so each set has one form.
type intervals []interval

// add puts seq into the set, in place if possible, and reports whether it is new.
func (s intervals) add(seq uint64) (intervals, bool) {
	i := s.search(seq)
	if i < len(s) && s[i].first <= seq {
		return s, false
	}
	extends := i > 0 && s[i-1].last+1 == seq
	precedes := i < len(s) && s[i].first-1 == seq
	switch {
	case extends && precedes:
		s[i-1].last = s[i].last
		return slices.Delete(s, i, i+1), true
	case extends:
		s[i-1].last = seq
	case precedes:
		s[i].first = seq
	default:
		return slices.Insert(s, i, interval{seq, seq}), true
	}
	return s, true
}

// search returns the index of the first interval whose end is seq or above.
func (s intervals) search(seq uint64) int {
	return sort.Search(len(s), func(i int) bool { return s[i].last >= seq })
}

func (s intervals) has(seq uint64) bool {
	i := s.search(seq)
	return i < len(s) && s[i].first <= seq
}

// join appends v, which must not begin before the last interval, and merges the two if they are adjacent or overlap.
func (s intervals) join(v interval) intervals {
	if n := len(s); n > 0 && (v.first <= s[n-1].last || v.first-1 == s[n-1].last) {
		s[n-1].last = max(s[n-1].last, v.last)
		return s
	}
	return append(s, v)
}

func (s intervals) union(o intervals) intervals {
	out := make(intervals, 0, len(s)+len(o))
	for len(s) > 0 || len(o) > 0 {
		if len(o) == 0 || len(s) > 0 && s[0].first <= o[0].first {
			out, s = out.join(s[0]), s[1:]
		} else {
			out, o = out.join(o[0]), o[1:]
		}
	}
	return out
}

func (s intervals) minus(o intervals) intervals {
	var out intervals
	for _, v := range s {
		for len(o) > 0 && o[0].last < v.first {
			o = o[1:]
		}
		out = v.minus(o, out)
	}
	return out
}

// minus appends the seqs of v outside of o to out. No interval of o ends before v begins.
func (v interval) minus(o, out intervals) intervals {
	for _, hole := range o {
		if hole.first > v.last {
			break
		}
		if v.first < hole.first {
			out = append(out, interval{v.first, hole.first - 1})
		}
		if hole.last >= v.last {
			return out
		}
		v.first = hole.last + 1
	}
	return append(out, v)
}

// count returns the number of seqs, or 2^64-1 if there are more.
func (s intervals) count() uint64 {
	n := uint64(0)
	for _, v := range s {
		n = addCounts(n, addCounts(v.last-v.first, 1))
	}
	return n
}

func addCounts(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}
