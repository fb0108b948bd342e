// Package naive answers queries in the plainest way, for tests alone: it keeps all records, adds them up in one map and
// sorts all groups. Property tests compare the program with it. It shares the types of package query, and its filters,
// which have a test of their own against regular expressions, but neither its order nor its sums.
//
// The package has no state.
package naive

import (
	"cmp"
	"math/big"
	"slices"

	"flowring/flow"
	"flowring/flow/query"
)

// group is a group with exact sums.
type group struct {
	key    query.Key
	tx, rx big.Int
}

func (g *group) measure(m query.Measure) *big.Int {
	switch m {
	case query.BytesTx:
		return &g.tx
	case query.BytesRx:
		return &g.rx
	}
	return new(big.Int).Add(&g.tx, &g.rx)
}

// add adds the sums of o to those of g.
func (g *group) add(o *group) {
	g.tx.Add(&g.tx, &o.tx)
	g.rx.Add(&g.rx, &o.rx)
}

func (g *group) row() query.Row {
	sum := func(v *big.Int) query.Sum {
		low := new(big.Int).And(v, new(big.Int).SetUint64(1<<64-1))
		return query.Sum{High: new(big.Int).Rsh(v, 64).Uint64(), Low: low.Uint64()}
	}
	return query.Row{Key: g.key, Tx: sum(&g.tx), Rx: sum(&g.rx)}
}

// Rows returns the rows of a valid question over records. The rows begin behind After and end at Limit. more reports
// whether Limit left rows out.
func Rows(spec *query.Spec, records []flow.Record) (rows []query.Row, more bool) {
	if spec.HasSeries {
		return series(spec, records), false
	}
	groups := fold(spec, records, spec.Group)
	if spec.Group == 0 && len(groups) == 0 && spec.MinBytes == 0 {
		groups = []*group{new(group)}
	}
	switch {
	case spec.Top > 0:
		return top(spec, groups), false
	case spec.Sort.By == query.SortByMeasure:
		sortBySum(groups, spec.Sort.Measure, spec.Sort.Descending)
		return rowsOf(groups[:min(len(groups), spec.Limit)]), false
	}
	sortByField(spec, groups)
	if spec.After != nil {
		at := slices.IndexFunc(groups, func(g *group) bool { return comesAfter(spec, g.key, *spec.After) })
		if at < 0 {
			at = len(groups)
		}
		groups = groups[at:]
	}
	if spec.Limit > 0 && len(groups) > spec.Limit {
		return rowsOf(groups[:spec.Limit]), true
	}
	return rowsOf(groups), false
}

// fold returns the groups with enough bytes, in no order.
func fold(spec *query.Spec, records []flow.Record, fields query.Fields) []*group {
	byKey := map[query.Key]*group{}
	for _, r := range records {
		if r.Hour < spec.From || r.Hour >= spec.To || !spec.Filters.Accept(r.SrcApp, r.DestApp, r.VPCID) {
			continue
		}
		key := keyOf(r, fields)
		if byKey[key] == nil {
			byKey[key] = &group{key: key}
		}
		one := &group{}
		one.tx.SetInt64(r.BytesTx)
		one.rx.SetInt64(r.BytesRx)
		byKey[key].add(one)
	}
	var groups []*group
	for _, g := range byKey {
		if g.measure(query.Bytes).Cmp(big.NewInt(spec.MinBytes)) >= 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

func keyOf(r flow.Record, fields query.Fields) (key query.Key) {
	if fields.Has(query.Hour) {
		key.Time = int64(r.Hour)
	}
	if fields.Has(query.Day) {
		key.Time = query.DayOf(r.Hour)
	}
	if fields.Has(query.SrcApp) {
		key.Src = r.SrcApp
	}
	if fields.Has(query.DestApp) {
		key.Dest = r.DestApp
	}
	if fields.Has(query.VPCID) {
		key.VPC = r.VPCID
	}
	return key
}

// compareKeys orders keys by time, source, destination and VPC.
func compareKeys(a, b query.Key) int {
	if c := cmp.Compare(a.Time, b.Time); c != 0 {
		return c
	}
	return slices.Compare([]string{a.Src, a.Dest, a.VPC}, []string{b.Src, b.Dest, b.VPC})
}

func sortBySum(groups []*group, m query.Measure, descending bool) {
	slices.SortFunc(groups, func(a, b *group) int {
		c := a.measure(m).Cmp(b.measure(m))
		if descending {
			c = -c
		}
		return cmp.Or(c, compareKeys(a.key, b.key))
	})
}

func sortByField(spec *query.Spec, groups []*group) {
	slices.SortFunc(groups, func(a, b *group) int { return compareRows(spec, a.key, b.key) })
}

func comesAfter(spec *query.Spec, key, after query.Key) bool {
	return compareRows(spec, key, after) > 0
}

func compareRows(spec *query.Spec, a, b query.Key) int {
	if spec.Sort.By != query.SortByField {
		return compareKeys(a, b)
	}
	only := func(k query.Key) query.Key {
		switch spec.Sort.Field {
		case query.SrcApp:
			return query.Key{Src: k.Src}
		case query.DestApp:
			return query.Key{Dest: k.Dest}
		case query.VPCID:
			return query.Key{VPC: k.VPC}
		}
		return query.Key{Time: k.Time}
	}
	c := compareKeys(only(a), only(b))
	if spec.Sort.Descending {
		c = -c
	}
	return cmp.Or(c, compareKeys(a, b))
}

func rowsOf(groups []*group) (rows []query.Row) {
	for _, g := range groups {
		rows = append(rows, g.row())
	}
	return rows
}

func top(spec *query.Spec, groups []*group) []query.Row {
	sortBySum(groups, spec.By, true)
	n := min(len(groups), spec.Top)
	rows := rowsOf(groups[:n])
	return append(rows, other(query.Key{}, groups[n:])...)
}

// other returns one row for all groups, or none if there is no group.
func other(key query.Key, groups []*group) []query.Row {
	if len(groups) == 0 {
		return nil
	}
	sum := &group{key: key}
	for _, g := range groups {
		sum.add(g)
	}
	row := sum.row()
	row.Other, row.Groups = true, int64(len(groups))
	return []query.Row{row}
}

func series(spec *query.Spec, records []flow.Record) (rows []query.Row) {
	whole := fold(spec, records, spec.Group)
	sortBySum(whole, spec.By, true)
	place := map[query.Key]int{} // of each group of the range, from the largest on
	for i, g := range whole {
		place[g.key] = i
	}
	byTime := map[int64][]*group{}
	unlimited := *spec
	unlimited.MinBytes = 0
	for _, g := range fold(&unlimited, records, spec.Group|query.FieldsOf(spec.Series)) {
		names := g.key
		names.Time = 0
		if _, counts := place[names]; counts {
			byTime[g.key.Time] = append(byTime[g.key.Time], g)
		}
	}
	var times []int64
	for time := range byTime {
		times = append(times, time)
	}
	slices.Sort(times)
	for _, time := range times {
		groups := byTime[time]
		placeOf := func(g *group) int {
			names := g.key
			names.Time = 0
			return place[names]
		}
		slices.SortFunc(groups, func(a, b *group) int { return placeOf(a) - placeOf(b) })
		n := 0
		for n < len(groups) && placeOf(groups[n]) < spec.Top {
			n++
		}
		rows = append(rows, rowsOf(groups[:n])...)
		rows = append(rows, other(query.Key{Time: time}, groups[n:])...)
	}
	return rows
}
