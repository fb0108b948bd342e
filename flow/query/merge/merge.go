package merge

import (
	"iter"
	"maps"
	"slices"

	"flowring/flow/query"
)

// Merge is the rows of an answer, to be read once.
type Merge struct {
	spec    *query.Spec
	sources []Source
	last    query.Key // of the rows so far, if there is a limit
	more    bool
}

// New returns the rows of a valid question from the groups of the stores.
func New(spec *query.Spec, sources []Source) *Merge { return &Merge{spec: spec, sources: sources} }

// All yields the rows in the order of the question. An error of a source ends them.
func (m *Merge) All() iter.Seq2[query.Row, error] {
	switch {
	case m.spec.HasSeries:
		return m.series()
	case m.spec.Top > 0:
		return m.top()
	case m.spec.Sort.By == query.SortByMeasure:
		return m.sorted()
	}
	return m.page()
}

// Next returns the key of the last row if the limit left rows out. It is known once All has ended.
func (m *Merge) Next() (after query.Key, more bool) { return m.last, m.more }

// groups yields the groups of the answer. A question without grouped fields has one group, which also exists if no
// flow counts.
func (m *Merge) groups() iter.Seq2[*query.Row, error] {
	return func(yield func(*query.Row, error) bool) {
		found := false
		for row, err := range groups(m.spec, m.sources) {
			if err != nil {
				yield(nil, err)
				return
			}
			found = true
			if m.spec.After != nil && m.spec.Compare(row.Key, *m.spec.After) <= 0 {
				continue
			}
			if !yield(row, nil) {
				return
			}
		}
		if !found && m.spec.Streamed() == 0 {
			yield(new(query.Row), nil)
		}
	}
}

// counts reports whether a group has enough bytes.
func (m *Merge) counts(row *query.Row) bool {
	return m.spec.MinBytes == 0 || row.Bytes().Compare(query.SumOf(m.spec.MinBytes)) >= 0
}

// counted yields the groups of the answer with enough bytes.
func (m *Merge) counted() iter.Seq2[*query.Row, error] {
	return func(yield func(*query.Row, error) bool) {
		for row, err := range m.groups() {
			if (err != nil || m.counts(row)) && !yield(row, err) {
				return
			}
		}
	}
}

// page yields the groups in the order of keys or of a field, up to the limit.
func (m *Merge) page() iter.Seq2[query.Row, error] {
	return func(yield func(query.Row, error) bool) {
		rows := 0
		for row, err := range m.counted() {
			if err != nil {
				yield(query.Row{}, err)
				return
			}
			if m.spec.Limit > 0 && rows == m.spec.Limit {
				m.more = true
				return
			}
			rows++
			if rows == m.spec.Limit {
				m.last = row.Key
			}
			if !yield(*row, nil) {
				return
			}
		}
	}
}

// sorted yields the rows of a sort by a sum, up to the limit.
func (m *Merge) sorted() iter.Seq2[query.Row, error] {
	kept := &best{most: m.spec.Limit, measure: m.spec.Sort.Measure, least: !m.spec.Sort.Descending}
	return func(yield func(query.Row, error) bool) {
		for row, err := range m.counted() {
			if err != nil {
				yield(query.Row{}, err)
				return
			}
			kept.offer(candidate{Row: *row})
		}
		yieldAll(yield, kept.sorted())
	}
}

// top yields the N largest groups, and then one row for all others.
func (m *Merge) top() iter.Seq2[query.Row, error] {
	kept := &best{most: m.spec.Top, measure: m.spec.By}
	return func(yield func(query.Row, error) bool) {
		others := query.Row{Other: true}
		for row, err := range m.counted() {
			if err != nil {
				yield(query.Row{}, err)
				return
			}
			if rejected, ok := kept.offer(candidate{Row: *row}); ok {
				addOther(&others, &rejected.Row)
			}
		}
		if yieldAll(yield, kept.sorted()) && others.Groups > 0 {
			yield(others, nil)
		}
	}
}

func addOther(others, row *query.Row) {
	others.Tx, others.Rx = others.Tx.Plus(row.Tx), others.Rx.Plus(row.Rx)
	others.Groups++
}

// yieldAll yields the rows of groups. It reports whether the reader wants more.
func yieldAll(yield func(query.Row, error) bool, all []candidate) bool {
	for i := range all {
		if !yield(all[i].Row, nil) {
			return false
		}
	}
	return true
}

// series yields, for each time, the N largest groups of the whole range, and then one row for the others of the time.
func (m *Merge) series() iter.Seq2[query.Row, error] {
	kept := &best{most: m.spec.Top, measure: m.spec.By}
	others := map[int64]*query.Row{}
	return func(yield func(query.Row, error) bool) {
		err := m.eachGroup(func(group candidate) {
			if !m.counts(&group.Row) {
				return
			}
			if rejected, ok := kept.offer(group); ok {
				addOthers(others, rejected.times)
			}
		})
		if err != nil {
			yield(query.Row{}, err)
			return
		}
		byTime := map[int64][]candidate{}
		for _, group := range kept.sorted() {
			for _, row := range group.times {
				byTime[row.Time] = append(byTime[row.Time], candidate{Row: row})
			}
		}
		for time, row := range others {
			byTime[time] = append(byTime[time], candidate{Row: *row})
		}
		for _, time := range slices.Sorted(maps.Keys(byTime)) {
			if !yieldAll(yield, byTime[time]) {
				return
			}
		}
	}
}

func addOthers(others map[int64]*query.Row, times []query.Row) {
	for i := range times {
		time := times[i].Time
		if others[time] == nil {
			others[time] = &query.Row{Key: query.Key{Time: time}, Other: true}
		}
		addOther(others[time], &times[i])
	}
}

// eachGroup calls fn with each group of a series: its sums over the whole range, and its row for each time. fn must
// not retain the rows.
func (m *Merge) eachGroup(fn func(candidate)) error {
	var group candidate
	for row, err := range m.groups() {
		if err != nil {
			return err
		}
		if len(group.times) > 0 && !sameNames(row.Key, group.Key) {
			fn(group)
			group.times = group.times[:0]
		}
		if len(group.times) == 0 {
			group.Row = *row
			group.Time, group.Tx, group.Rx = 0, query.Sum{}, query.Sum{}
		}
		group.Tx, group.Rx = group.Tx.Plus(row.Tx), group.Rx.Plus(row.Rx)
		group.times = append(group.times, *row)
	}
	if len(group.times) > 0 {
		fn(group)
	}
	return nil
}

func sameNames(a, b query.Key) bool {
	a.Time, b.Time = 0, 0
	return a == b
}
