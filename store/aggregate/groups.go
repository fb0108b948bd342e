package aggregate

import (
	"errors"
	"math/bits"
	"strings"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/store/table"
)

// ErrTooManyGroups is the error of flows with more groups than the limit. The groups then lack flows.
var ErrTooManyGroups = errors.New("too many groups")

// Groups adds flows up into the groups of a query. After an error it lacks flows, and the caller discards it.
type Groups struct {
	spec   *query.Spec
	fields query.Fields // of a group
	named  int          // number of the fields with names among them
	names  names
	times  times
	index  index

	filter    filter
	selection Selection
	selected  rows          // the flows of a column that the filter accepts
	columns   rows          // of a batch
	room      []flow.Totals // for the totals of a view
	byName    []partSum     // by the number of a name in a view or batch; with one field of names
	local     []uint32      // by the number of a name in a view or batch: its number in the query, or 0

	order []uint32 // the slots of the index in the order of the query; nil: not sorted
}

// rows are flows with numbers for names, and their totals.
type rows struct {
	keys   []table.RowKey
	totals []flow.Totals
}

// partSum is a sum that did not exceed 64 bits yet.
type partSum struct {
	tx, rx uint64
	used   bool
}

// New returns the groups of a valid query, without a flow. It takes at most the given number of groups; 0: no limit.
func New(spec *query.Spec, maxGroups int) *Groups {
	g := &Groups{spec: spec, fields: spec.Streamed(), filter: newFilter(&spec.Filters), index: newIndex(maxGroups)}
	for _, f := range namedFields {
		if g.fields.Has(f) {
			g.named++
		}
	}
	return g
}

// namedFields are the fields with names, in the order of a key.
var namedFields = [...]query.Field{query.SrcApp, query.DestApp, query.VPCID}

// TotalsSuffice reports whether AddTotals may take the place of the flows of a slice.
func (g *Groups) TotalsSuffice() bool { return g.named == 0 && g.filter.empty }

// Len returns the number of groups.
func (g *Groups) Len() int { return g.index.count }

// AddView adds the flows of a slice of an hour.
func (g *Groups) AddView(v *table.View, hour flow.Hour) error {
	if !g.begin(v.Names()) {
		return nil
	}
	time := g.time(hour)
	for keys, totals := range v.Columns() {
		if err := g.addRows(rows{keys, totals}, v.Names(), time); err != nil {
			return err
		}
	}
	return g.end(v.Names(), time)
}

// Filtered reports whether the query has filters. Then Select is cheaper than a view with all totals.
func (g *Groups) Filtered() bool { return !g.filter.empty }

// Selection has the flows of a view that count. Its memory is used again by the next Select.
type Selection struct {
	table.Selected
	totals []flow.Totals
}

// Select selects the flows of a view without totals that the filters accept.
func (g *Groups) Select(v *table.View) *Selection {
	g.selection.totals = g.selection.totals[:0]
	if !g.filter.begin(v.Names()) {
		g.selection.Clear()
		return &g.selection
	}
	g.selection.Select(v, g.filter.rows)
	return &g.selection
}

// CopyTotals copies the totals of the selected flows. It fails and is called as table.Table.CopyTotals.
func (s *Selection) CopyTotals(t *table.Table, v *table.View) (ok bool) {
	s.totals, ok = t.CopyTotals(v, &s.Selected, s.totals[:0])
	return ok
}

// AddSelected adds the flows of the last Select, of a slice of an hour. CopyTotals has copied their totals.
func (g *Groups) AddSelected(v *table.View, hour flow.Hour) error {
	if len(g.selection.totals) == 0 || !g.begin(v.Names()) {
		return nil
	}
	g.selected.keys = g.selection.Keys(v, g.selected.keys[:0])
	time := g.time(hour)
	if err := g.addAccepted(rows{g.selected.keys, g.selection.totals}, v.Names(), time); err != nil {
		return err
	}
	return g.end(v.Names(), time)
}

// Room returns memory for the totals of a view, which the next call uses again.
func (g *Groups) Room(flows int) []flow.Totals {
	if cap(g.room) < flows {
		g.room = make([]flow.Totals, 0, flows+flows/8)
	}
	return g.room[:0]
}

// AddBatch adds the flows of a batch. It does not retain the batch.
func (g *Groups) AddBatch(b *flow.Batch) error {
	if !g.begin(b.Names) {
		return nil
	}
	time := g.time(b.Slice.Hour)
	for from := 0; from < b.Len(); from += columnRows {
		g.columns.fill(b, from, min(from+columnRows, b.Len()))
		if err := g.addRows(g.columns, b.Names, time); err != nil {
			return err
		}
	}
	return g.end(b.Names, time)
}

// columnRows is the number of flows of a batch that are copied into columns together. They fit into the fast caches.
const columnRows = 256

// fill copies the flows of a batch.
func (r *rows) fill(b *flow.Batch, from, to int) {
	r.keys, r.totals = r.keys[:0], r.totals[:0]
	for i := from; i < to; i++ {
		r.keys = append(r.keys, table.RowKey{Src: b.Src[i], Dest: b.Dest[i], VPC: b.VPC[i]})
		r.totals = append(r.totals, b.Totals(i))
	}
}

// AddTotals adds the sums of all flows of a slice of an hour, which has at least one flow. TotalsSuffice must hold.
func (g *Groups) AddTotals(hour flow.Hour, tx, rx query.Sum) error {
	if !g.TotalsSuffice() {
		return errors.New("totals of an hour do not suffice for the query")
	}
	return g.add(groupKey{}, g.time(hour), tx, rx)
}

// begin prepares a view or a batch with the given names. It reports whether any of its flows may count.
func (g *Groups) begin(names []string) bool {
	g.order = nil
	if !g.filter.begin(names) {
		return false
	}
	if g.named > 1 {
		g.local = zeroed(g.local, len(names))
	}
	if g.named == 1 {
		g.byName = zeroed(g.byName, len(names))
	}
	return true
}

// zeroed returns n zero values, in the given memory if it is large enough.
func zeroed[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// addRows adds flows with the numbers of a view or of a batch.
func (g *Groups) addRows(r rows, names []string, time uint32) error {
	return g.addAccepted(g.filter.accepted(r, &g.selected), names, time)
}

// addAccepted adds flows that the filter accepts.
func (g *Groups) addAccepted(r rows, names []string, time uint32) error {
	switch {
	case len(r.keys) == 0:
		return nil
	case g.named == 0:
		return g.addAll(r.totals, time)
	case g.named == 1:
		return g.addByName(r, names, time)
	}
	return g.addByKey(r, names, time)
}

// addAll adds flows to the one group of a time.
func (g *Groups) addAll(totals []flow.Totals, time uint32) error {
	var tx, rx query.Sum
	var carry uint64
	for _, t := range totals {
		tx.Low, carry = bits.Add64(tx.Low, uint64(t.BytesTx), 0)
		tx.High += carry
		rx.Low, carry = bits.Add64(rx.Low, uint64(t.BytesRx), 0)
		rx.High += carry
	}
	return g.add(groupKey{}, time, tx, rx)
}

// addByName adds flows to the sums by the names of the only field with names.
func (g *Groups) addByName(r rows, names []string, time uint32) error {
	for i, k := range r.keys {
		name := k.Src
		switch {
		case g.fields.Has(query.DestApp):
			name = k.Dest
		case g.fields.Has(query.VPCID):
			name = k.VPC
		}
		s, t := &g.byName[name], r.totals[i]
		tx, carryTx := bits.Add64(s.tx, uint64(t.BytesTx), 0)
		rx, carryRx := bits.Add64(s.rx, uint64(t.BytesRx), 0)
		if carryTx|carryRx != 0 {
			if err := g.addPart(s, names[name], time); err != nil {
				return err
			}
			tx, rx = uint64(t.BytesTx), uint64(t.BytesRx)
		}
		*s = partSum{tx, rx, true}
	}
	return nil
}

// end adds the sums by name to the groups.
func (g *Groups) end(names []string, time uint32) error {
	if g.named != 1 {
		return nil
	}
	for i := range g.byName {
		if g.byName[i].used {
			if err := g.addPart(&g.byName[i], names[i], time); err != nil {
				return err
			}
		}
	}
	return nil
}

// addPart adds the sum of a name of the only field with names.
func (g *Groups) addPart(s *partSum, name string, time uint32) error {
	var k groupKey
	switch number := g.names.number(name); {
	case g.fields.Has(query.SrcApp):
		k.src = number
	case g.fields.Has(query.DestApp):
		k.dest = number
	default:
		k.vpc = number
	}
	return g.add(k, time, query.Sum{Low: s.tx}, query.Sum{Low: s.rx})
}

// groupKey has the numbers of the names of a group; 0: the field is not grouped.
type groupKey struct{ src, dest, vpc uint32 }

func (g *Groups) add(k groupKey, time uint32, tx, rx query.Sum) error {
	e := g.index.at(packed(k, time))
	if e == nil {
		return ErrTooManyGroups
	}
	g.index.addTo(e, tx, rx)
	return nil
}

// addByKey adds flows to the groups of two or three fields with names.
func (g *Groups) addByKey(r rows, names []string, time uint32) error {
	if g.named == len(namedFields) && g.filter.empty { // each flow of a column is a group of its own
		g.index.reserve(len(r.keys))
	}
	var some [lookups]packedKey
	for from := 0; from < len(r.keys); from += lookups {
		n := min(lookups, len(r.keys)-from)
		g.packKeys(some[:n], r.keys[from:], names, time)
		if !g.index.addAll(some[:n], r.totals[from:]) {
			return ErrTooManyGroups
		}
	}
	return nil
}

// packKeys sets the keys of the groups of flows.
func (g *Groups) packKeys(packedKeys []packedKey, keys []table.RowKey, names []string, time uint32) {
	src, dest, vpc := g.fields.Has(query.SrcApp), g.fields.Has(query.DestApp), g.fields.Has(query.VPCID)
	for i := range packedKeys {
		k, group := keys[i], groupKey{}
		if src {
			group.src = g.numberOf(names, k.Src)
		}
		if dest {
			group.dest = g.numberOf(names, k.Dest)
		}
		if vpc {
			group.vpc = g.numberOf(names, k.VPC)
		}
		packedKeys[i] = packed(group, time)
	}
}

// numberOf returns the number in the query of a name with a number in a view or a batch.
func (g *Groups) numberOf(names []string, local uint32) uint32 {
	if g.local[local] == 0 {
		g.local[local] = g.names.number(names[local])
	}
	return g.local[local]
}

// names numbers the names of a query, from 1 on.
type names struct {
	numbers map[string]uint32
	list    []string // by number
}

func (n *names) number(name string) uint32 {
	number, found := n.numbers[name]
	if found {
		return number
	}
	if n.numbers == nil {
		n.numbers, n.list = make(map[string]uint32), make([]string, 1)
	}
	name = strings.Clone(name) // the names of a batch share one string, which would stay in memory as a whole
	number = uint32(len(n.list))
	n.numbers[name] = number
	n.list = append(n.list, name)
	return number
}

// times numbers the times of a query, from 1 on.
type times struct {
	numbers map[int64]uint32
	list    []int64 // by number
}

// time returns the number of the time of an hour.
func (g *Groups) time(h flow.Hour) uint32 {
	time, t := g.spec.Time(h), &g.times
	number, found := t.numbers[time]
	if found {
		return number
	}
	if t.numbers == nil {
		t.numbers, t.list = make(map[int64]uint32), make([]int64, 1)
	}
	number = uint32(len(t.list))
	t.numbers[time] = number
	t.list = append(t.list, time)
	return number
}
