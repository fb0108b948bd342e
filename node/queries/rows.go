package queries

import (
	"errors"
	"iter"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/flow/query/merge"
	"flowring/internal/contract"
)

// rows is the answer to a query. It implements contract.Rows.
type rows struct {
	*evaluation
	merged *merge.Merge
}

var _ contract.Rows = (*rows)(nil)

func (e *evaluation) rows() *rows { return &rows{evaluation: e, merged: e.merge()} }

// Complete implements contract.Rows.
func (r *rows) Complete() contract.Completeness { return r.least }

// Tag implements contract.Rows.
func (r *rows) Tag() contract.Tag { return r.tag }

// From implements contract.Rows.
func (r *rows) From() *flow.Hour { return r.from }

// Erased implements contract.Rows.
func (r *rows) Erased() int64 { return r.erased.Latest() }

// Next implements contract.Rows.
func (r *rows) Next() (after query.Key, more bool) { return r.merged.Next() }

// errNoRows is the error of rows whose tag the reader knows.
var errNoRows = errors.New("the answer has no rows, because the reader has them already")

// blockRows is the number of rows that are merged in one CPU slot.
const blockRows = 512

// All implements contract.Rows. It merges a block of rows in a CPU slot, and yields the rows without one.
func (r *rows) All() iter.Seq2[query.Row, error] {
	return func(yield func(query.Row, error) bool) {
		if r.known {
			yield(query.Row{}, errNoRows)
			return
		}
		slots := r.q.CPUSlots
		slots.Acquire()
		defer slots.Release()
		block, more := make([]query.Row, 0, blockRows), true
		send := func() bool {
			r.timeout.Stop()
			slots.Release()
			defer slots.Acquire()
			for i := range block {
				if more = more && yield(block[i], nil); !more {
					break
				}
			}
			block = block[:0]
			return more
		}
		for row, err := range r.merged.All() {
			switch {
			case err != nil:
				if send() {
					yield(query.Row{}, r.cause(err))
				}
				return
			case len(block) == cap(block) && !send():
				return
			}
			block = append(block, row)
		}
		send()
	}
}
