package aggregate

import (
	"flowring/flow/query"
	"flowring/store/table"
)

// filter selects the flows that count. It matches each name of a view or of a batch once.
type filter struct {
	filters *query.Filters
	empty   bool
	allowed []role // by the number of a name in the view or in the batch
}

// role is a set of places that a name may have in a flow that counts.
type role uint8

const (
	asSrc    role = 1 << iota
	asDest        // allowed as destination
	asVPC         // allowed as VPC
	asEither      // one of the two applications needs this
)

func newFilter(f *query.Filters) filter { return filter{filters: f, empty: f.Empty()} }

// begin matches the names of a view or of a batch. It reports whether any of its flows may count.
func (f *filter) begin(names []string) bool {
	if f.empty {
		return true
	}
	f.allowed = zeroed(f.allowed, len(names))
	found := role(0)
	for i, name := range names {
		f.allowed[i] = f.roles(name)
		found |= f.allowed[i]
	}
	return found == asSrc|asDest|asVPC|asEither
}

func (f *filter) roles(name string) (r role) {
	if f.filters.VPC.Accepts(name) {
		r |= asVPC
	}
	app := &f.filters.App
	if app.Excludes(name) {
		return r
	}
	if f.filters.Src.Accepts(name) {
		r |= asSrc
	}
	if f.filters.Dest.Accepts(name) {
		r |= asDest
	}
	if len(app.Include) == 0 || app.Includes(name) {
		r |= asEither
	}
	return r
}

// accepted returns the flows that count: all of r, or copies in the given memory.
func (f *filter) accepted(r rows, into *rows) rows {
	if f.empty {
		return r
	}
	into.keys, into.totals = into.keys[:0], into.totals[:0]
	for i, k := range r.keys {
		if f.accepts(k) {
			into.keys = append(into.keys, k)
			into.totals = append(into.totals, r.totals[i])
		}
	}
	return *into
}

// rows appends the rows of the keys that count.
func (f *filter) rows(keys []table.RowKey, rows []uint32) []uint32 {
	for i, k := range keys {
		if f.accepts(k) {
			rows = append(rows, uint32(i))
		}
	}
	return rows
}

// accepts reports whether a flow counts. Most filters refuse most flows by their source.
func (f *filter) accepts(k table.RowKey) bool {
	src := f.allowed[k.Src]
	if src&asSrc == 0 {
		return false
	}
	dest := f.allowed[k.Dest]
	return dest&asDest != 0 && (src|dest)&asEither != 0 && f.allowed[k.VPC]&asVPC != 0
}
