package merge

import (
	"errors"
	"fmt"
	"iter"

	"flowring/flow/query"
)

// Source yields the groups of one store, in blocks. A block has at least one row. The rows are valid until the next
// block; their names stay valid.
type Source = iter.Seq2[[]query.Row, error]

// cursor is at one row of a source.
type cursor struct {
	next  func() ([]query.Row, error, bool)
	block []query.Row
	at    int
}

func (c *cursor) row() *query.Row { return &c.block[c.at] }

// advance moves to the next row. It reports whether there is one.
func (c *cursor) advance(spec *query.Spec) (bool, error) {
	if c.at+1 < len(c.block) {
		c.at++
		return true, c.checkOrder(spec, c.block[c.at-1].Key)
	}
	var last *query.Key
	if len(c.block) > 0 {
		key := c.block[c.at].Key
		last = &key
	}
	block, err, more := c.next()
	switch {
	case !more:
		return false, nil
	case err != nil:
		return false, err
	case len(block) == 0:
		return false, errors.New("a store sent a block without groups")
	}
	c.block, c.at = block, 0
	if last == nil {
		return true, nil
	}
	return true, c.checkOrder(spec, *last)
}

func (c *cursor) checkOrder(spec *query.Spec, before query.Key) error {
	if key := c.row().Key; spec.Compare(before, key) >= 0 {
		return fmt.Errorf("a store sent the group %+v behind %+v", key, before)
	}
	return nil
}

// sources is a binary heap of cursors. The cursor with the least key is the first one.
type sources struct {
	spec *query.Spec
	heap []*cursor
}

// open moves each source to its first row. stop must be called, also after an error.
func open(spec *query.Spec, all []Source) (s *sources, stop func(), err error) {
	s = &sources{spec: spec}
	var stops []func()
	stop = func() {
		for _, stop := range stops {
			stop()
		}
	}
	for _, source := range all {
		c := new(cursor)
		var end func()
		c.next, end = iter.Pull2(source)
		stops = append(stops, end)
		more, err := c.advance(spec)
		if err != nil {
			return nil, stop, err
		}
		if more {
			s.heap = append(s.heap, c)
		}
	}
	for i := len(s.heap)/2 - 1; i >= 0; i-- {
		sink(s.heap, i, s.above)
	}
	return s, stop, nil
}

// above reports whether a cursor belongs above another one in the heap: its key is less.
func (s *sources) above(i, k int) bool {
	return s.spec.Compare(s.heap[i].row().Key, s.heap[k].row().Key) < 0
}

// advance moves the cursor with the least key.
func (s *sources) advance() error {
	more, err := s.heap[0].advance(s.spec)
	if err != nil {
		return err
	}
	if !more {
		last := len(s.heap) - 1
		s.heap[0] = s.heap[last]
		s.heap = s.heap[:last]
	}
	sink(s.heap, 0, s.above)
	return nil
}

// groups yields one row for each key, with the sums of all sources. A row is valid until the next one.
func groups(spec *query.Spec, all []Source) iter.Seq2[*query.Row, error] {
	return func(yield func(*query.Row, error) bool) {
		s, stop, err := open(spec, all)
		defer stop()
		var sum query.Row // one for all groups, because it escapes
		for err == nil && len(s.heap) > 0 {
			sum = *s.heap[0].row()
			for err = s.advance(); err == nil && len(s.heap) > 0; err = s.advance() {
				row := s.heap[0].row()
				if row.Key != sum.Key {
					break
				}
				sum.Tx, sum.Rx = sum.Tx.Plus(row.Tx), sum.Rx.Plus(row.Rx)
			}
			if err == nil && !yield(&sum, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}
