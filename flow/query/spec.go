package query

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"flowring/flow"
)

// Spec is a question. The zero values of its optional parts ask for nothing.
type Spec struct {
	From, To flow.Hour // From <= hour < To
	Filters  Filters
	Group    Fields
	MinBytes int64 // of a group, both directions together

	// The N largest groups by a measure, and one row for all others.
	Top int
	By  Measure

	// With Top: the sums of the N largest groups of the range, and of the others, for each hour or each day. Group then
	// has neither Hour nor Day. Rows are in the order of time, then from the largest group of the range, then the others.
	Series    Field // Hour or Day
	HasSeries bool

	Sort  Sort
	Limit int  // rows; 0: all
	After *Key // the rows behind this key in the order of Compare; nil: from the first on
}

// Sort is the order of rows. The zero Sort is the order of keys.
type Sort struct {
	By         SortBy
	Field      Field   // with SortByField
	Measure    Measure // with SortByMeasure; ties are in the order of keys
	Descending bool
}

// SortBy is the kind of a Sort.
type SortBy uint8

// The kinds of a Sort.
const (
	SortByKey SortBy = iota
	SortByField
	SortByMeasure
)

// MaxSortedRows is the largest limit of a sort by a measure, because its rows are held in memory.
const MaxSortedRows = 100_000

// Validate returns the first fault of the question, in a sentence for its author.
func (s *Spec) Validate() error {
	switch {
	case s.From >= s.To:
		return fmt.Errorf("the range from %d to %d has no hours; to must be greater than from", s.From, s.To)
	case s.Group.Has(Hour) && s.Group.Has(Day):
		return errors.New("group_by has hour and day; leave one out")
	case s.MinBytes < 0:
		return errors.New("min_bytes is negative")
	case s.Top < 0 || s.Limit < 0:
		return errors.New("top and limit must be positive")
	}
	return cmp.Or(s.validateSeries(), s.validateOrder())
}

func (s *Spec) validateSeries() error {
	switch {
	case !s.HasSeries:
		return nil
	case s.Top == 0:
		return errors.New("series needs top")
	case s.Series != Hour && s.Series != Day:
		return errors.New("series must be hour or day")
	case s.Group.Has(Hour) || s.Group.Has(Day):
		return errors.New("series excludes hour and day in group_by")
	}
	return nil
}

func (s *Spec) validateOrder() error {
	switch {
	case s.Top > 0 && (s.Sort != Sort{} || s.Limit > 0 || s.After != nil):
		return errors.New("top excludes sort, limit and cursor")
	case s.Sort.By == SortByField && !s.Group.Has(s.Sort.Field):
		return fmt.Errorf("sort=%s needs this field in group_by", s.Sort.Field)
	case s.Sort.By == SortByMeasure && (s.Limit == 0 || s.Limit > MaxSortedRows):
		return fmt.Errorf("sort=%s needs a limit of at most %d", s.Sort.Measure, MaxSortedRows)
	case s.Sort.By == SortByMeasure && s.After != nil:
		return errors.New("a sort by a sum has no pages")
	case s.Group == 0 && s.After != nil:
		return errors.New("one row has no pages")
	}
	return nil
}

// Streamed returns the fields of a group as stores send it: the grouped fields, and the time of a series.
func (s *Spec) Streamed() Fields {
	if s.HasSeries {
		return s.Group | FieldsOf(s.Series)
	}
	return s.Group
}

// Compare is the order in which stores send groups. It is the order of keys, with two exceptions: the time comes last
// in a series, so that the rows of one group are neighbours; and the field of a SortByField comes first.
func (s *Spec) Compare(a, b Key) int {
	switch {
	case s.HasSeries:
		at, bt := a.Time, b.Time
		a.Time, b.Time = 0, 0
		return cmp.Or(a.Compare(b), cmp.Compare(at, bt))
	case s.Sort.By != SortByField:
		return a.Compare(b)
	}
	first := strings.Compare(a.Column(s.Sort.Field), b.Column(s.Sort.Field))
	if s.Sort.Field == Hour || s.Sort.Field == Day {
		first = cmp.Compare(a.Time, b.Time)
	}
	if s.Sort.Descending {
		first = -first
	}
	return cmp.Or(first, a.Compare(b))
}

// Time returns the time of an hour in a key.
func (s *Spec) Time(h flow.Hour) int64 {
	switch fields := s.Streamed(); {
	case fields.Has(Hour):
		return int64(h)
	case fields.Has(Day):
		return DayOf(h)
	}
	return 0
}
