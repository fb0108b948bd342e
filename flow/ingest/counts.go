package ingest

import (
	"iter"
	"math"

	"flowring/flow"
)

// Reason says why a record does not count. The set of reasons is bounded, because it labels metrics.
type Reason uint8

// The reasons.
const (
	Kept            Reason = iota // the record counts
	OtherReporter                 // the other end reports the same bytes
	UnknownReporter               // no field says at which end the record was made, and both ends may report
	Repeated                      // another record of the source has the same bytes
	Middle                        // the record was made between the two ends, such as at a gateway
	NoData                        // the source says that it saw no traffic
	DataLost                      // the source says that it lost records
	NotAccepted                   // the traffic was refused and did not arrive
	OtherKind                     // a record of another kind, such as another metric
	Cumulative                    // a running total, from which no interval follows
	Malformed                     // the record cannot be read
	BadNumber                     // a number is missing, no integer, or out of range
	BadTime                       // a time is missing or out of range
	BadName                       // a name is longer than flow.MaxName or no UTF-8
	NoName                        // an end has neither a name nor an address
	TooLarge                      // the bytes exceed 2^63-1
	Expired                       // the hour is closed for good
	Future                        // the hour is too far in the future

	reasons // their number
)

var reasonNames = [reasons]string{
	"kept", "other-reporter", "unknown-reporter", "repeated", "middle", "no-data", "data-lost", "not-accepted",
	"other-kind", "cumulative", "malformed", "bad-number", "bad-time", "bad-name", "no-name", "over-2^63", "hour-closed",
	"hour-ahead",
}

// String returns the name of the reason, as in metrics and presets.
func (r Reason) String() string { return reasonNames[r] }

// ParseReason returns the reason with a name. Kept is none.
func ParseReason(name string) (Reason, bool) {
	for r := range Reasons() {
		if r.String() == name {
			return r, true
		}
	}
	return Kept, false
}

// Reasons yields all reasons but Kept.
func Reasons() iter.Seq[Reason] {
	return func(yield func(Reason) bool) {
		for r := Kept + 1; r < reasons; r++ {
			if !yield(r) {
				return
			}
		}
	}
}

// Note is a fact about a kept record whose hour is not certain.
type Note uint8

// The notes.
const (
	LongInterval  Note = iota // longer than 24 hours: all bytes are in the hour of its end
	EndsTooEarly              // the end is before the start: all bytes are in the hour of the end
	NoTime                    // the source says no time: that of the export or the arrival counts
	NumberOfNotes             // their number
)

// String returns the name of the note, as in metrics.
func (n Note) String() string {
	return [NumberOfNotes]string{"long-interval", "ends-too-early", "no-time"}[n]
}

// Sum is a number of records of a source and their bytes in both directions, times the sampling rate. Bytes beyond
// 2^64-1 do not count.
type Sum struct{ Records, Bytes uint64 }

func (s *Sum) add(bytes uint64) { *s = s.Plus(Sum{1, bytes}) }

// Plus returns s + o.
func (s Sum) Plus(o Sum) Sum { return Sum{s.Records + o.Records, addUp(s.Bytes, o.Bytes)} }

// SumOf returns the sum of the flows of a batch.
func SumOf(b *flow.Batch) (sum Sum) {
	for i := range b.Len() {
		sum.add(uint64(b.Tx[i]) + uint64(b.Rx[i]))
	}
	return sum
}

// addUp returns a + b, and at most 2^64-1.
func addUp(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}

// Counts are the records that an engine was given. Records received are those kept and those set aside.
type Counts struct {
	Received, Kept Sum
	Aside          [reasons]Sum // by Reason
	Notes          [NumberOfNotes]uint64
}

// SetAside counts a record that does not count, with its bytes as far as they are known.
func (c *Counts) SetAside(why Reason, bytes uint64) {
	c.Received.add(bytes)
	if why == Kept {
		c.Kept.add(bytes)
		return
	}
	c.Aside[why].add(bytes)
}

// Add adds other counts.
func (c *Counts) Add(o *Counts) {
	c.Received, c.Kept = c.Received.Plus(o.Received), c.Kept.Plus(o.Kept)
	for i := range c.Aside {
		c.Aside[i] = c.Aside[i].Plus(o.Aside[i])
	}
	for i := range c.Notes {
		c.Notes[i] += o.Notes[i]
	}
}
