package contract

import (
	"io"
	"iter"

	"flowring/flow"
	"flowring/flow/query"
)

// Rows is the answer to a query, ready to be read once. An answer whose tag the reader knows may have no rows.
type Rows interface {
	// Complete returns the completeness of the least complete hour of the range.
	Complete() Completeness

	// Tag names the question and the content of all hours of its range. The format of the answer is not part of it.
	Tag() Tag

	// From returns the first hour of the answer if hours of the range before it have expired; nil: none has.
	From() *flow.Hour

	Erased

	// All yields the rows in the order of the question. An error ends them: the rows so far are not the whole answer.
	All() iter.Seq2[query.Row, error]

	// Next returns the key behind which the next page begins, after All has ended, if Limit left rows out.
	Next() (after query.Key, more bool)

	io.Closer
}

// HourTotals are the sums of an hour.
type HourTotals struct {
	Hour     flow.Hour
	Tx, Rx   query.Sum
	Flows    int64 // distinct flows; -1: not known, because the hour has several slices
	Complete Completeness
}

// Hours are the sums of the hours of a range. There are no sums if the reader knows the tag.
type Hours struct {
	Totals   []HourTotals // of the hours with data, in order
	Complete Completeness // of the least complete hour of the range
	From     *flow.Hour   // as Rows.From
	Erased   int64        // as Rows.Erased
	Tag      Tag          // names the range and the content of its hours
}

// NamesAsk asks for the names of a range, for completion.
type NamesAsk struct {
	Field    query.Field // SrcApp, DestApp or VPCID
	Either   bool        // applications at either end, instead of Field
	Prefix   string
	From, To flow.Hour // From <= hour < To
	Limit    int
}

// Names are the first names in the order of bytes.
type Names struct {
	Names    []string
	From     *flow.Hour // as Rows.From
	Erased   int64      // as Rows.Erased
	More     bool       // the limit left names out
	Complete Completeness
}
