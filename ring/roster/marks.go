package roster

import (
	"encoding/binary"
	"fmt"
	"slices"

	"flowring/flow"
)

// MaxSpans is the largest number of spans of marks on a roster.
const MaxSpans = 256

// Span is a range of hours with one mark, by an operator who erases them: first closed, then erased. An hour with a
// mark takes no new request, also above the floors.
type Span struct {
	From   flow.Hour `json:"from"` // the hours From <= h < To
	To     flow.Hour `json:"to"`
	Erased int64     `json:"erased,omitzero"` // when they were erased, in seconds since 1970; 0: they are closed alone
}

// Marks are the marks of hours, ascending and without overlaps. They only grow: a merge has the higher mark of each
// hour, an erased one above a closed one, and the later of two times. Marks of hours below F are left out, because the
// hours have expired. Neighbours with one mark are one span, so equal marks have equal spans.
type Marks []Span

// Closes reports whether an hour takes no new request because of a mark.
func (m Marks) Closes(h flow.Hour) bool {
	_, marked := m.of(h)
	return marked
}

// Erased returns when an hour was erased, in seconds since 1970; false: it is not erased.
func (m Marks) Erased(h flow.Hour) (at int64, erased bool) {
	s, _ := m.of(h)
	return s.Erased, s.Erased > 0
}

func (m Marks) of(h flow.Hour) (Span, bool) {
	i, found := slices.BinarySearchFunc(m, h, func(s Span, h flow.Hour) int {
		switch {
		case s.To <= h:
			return -1
		case s.From > h:
			return 1
		}
		return 0
	})
	if !found {
		return Span{}, false
	}
	return m[i], true
}

// merge returns the higher mark of each hour that has not expired.
func (m Marks) merge(o Marks, f Floors) (merged Marks) {
	floor := f.lowest()
	var edges []flow.Hour
	for _, s := range slices.Concat(m, o) {
		edges = append(edges, max(s.From, floor), max(s.To, floor))
	}
	if len(edges) == 0 {
		return nil
	}
	slices.Sort(edges)
	edges = slices.Compact(edges)
	for i := range len(edges) - 1 {
		mine, marked := m.of(edges[i])
		other, also := o.of(edges[i])
		if !marked && !also {
			continue
		}
		s := Span{edges[i], edges[i+1], max(mine.Erased, other.Erased)}
		if n := len(merged); n > 0 && merged[n-1].To == s.From && merged[n-1].Erased == s.Erased {
			merged[n-1].To = s.To
		} else {
			merged = append(merged, s)
		}
	}
	return merged
}

// valid fails for marks that merge cannot yield.
func (m Marks) valid(f Floors) error {
	for i, s := range m {
		if s.From >= s.To || s.Erased < 0 || s.From < f.lowest() {
			return fmt.Errorf("mark of the hours from %d to %d, erased at %d, with hours below %d expired",
				s.From, s.To, s.Erased, f.Expired)
		}
		adjoins := i > 0 && m[i-1].To == s.From && m[i-1].Erased == s.Erased
		if adjoins || i > 0 && m[i-1].To > s.From {
			return fmt.Errorf("marks of the hours from %d on: they overlap, or are two of one kind", s.From)
		}
	}
	return nil
}

// append appends the marks, or nothing without one.
func (m Marks) append(text []byte) []byte {
	if len(m) == 0 {
		return text
	}
	text = binary.AppendUvarint(append(text, "marks"...), uint64(len(m)))
	for _, s := range m {
		text = binary.AppendVarint(binary.AppendVarint(text, int64(s.From)), int64(s.To))
		text = binary.AppendVarint(text, s.Erased)
	}
	return text
}

// ErasedWithin returns the marks of the erased hours from <= h < to.
func (m Marks) ErasedWithin(from, to flow.Hour) (erased Marks) {
	for _, s := range m {
		if s.From, s.To = max(s.From, from), min(s.To, to); s.Erased > 0 && s.From < s.To {
			erased = append(erased, s)
		}
	}
	return erased
}

// Latest returns the latest time at which one of the hours was erased; 0: none is.
func (m Marks) Latest() (at int64) {
	for _, s := range m {
		at = max(at, s.Erased)
	}
	return at
}

// Covers reports whether each hour from <= h < to has a mark; with erased, whether each is erased.
func (m Marks) Covers(from, to flow.Hour, erased bool) bool {
	for _, s := range m {
		if s.From <= from && from < s.To && (s.Erased > 0 || !erased) {
			from = s.To
		}
	}
	return from >= to
}

// Gone reports whether no store keeps an hour: it has expired, or is erased.
func (r Roster) Gone(h flow.Hour) bool {
	_, erased := r.marks.Erased(h)
	return erased || r.floors.Expires(h)
}

// Closes reports whether an hour takes no new request: it is below C, or has a mark.
func (r Roster) Closes(h flow.Hour) bool { return r.floors.Closes(h) || r.marks.Closes(h) }

// Marks returns the marks of hours as this roster has them. The spans are shared and must not be modified.
func (r Roster) Marks() Marks { return r.marks }

// WithMarks returns the roster with the marks added to its own. It fails if there are more than MaxSpans spans then.
func (r Roster) WithMarks(m Marks) (Roster, error) {
	merged := r.marks.merge(m, r.floors)
	if slices.Equal(merged, r.marks) {
		return r, nil
	}
	r.marks, r.hash = merged, new(hash)
	return r, r.checkSize()
}
