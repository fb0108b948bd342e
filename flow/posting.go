package flow

import (
	"errors"
	"slices"
)

// ErrOverflow is the error of a request whose records bring a sum of a flow over 2^63-1 bytes. No part of the request
// may be stored (P14).
var ErrOverflow = errors.New("sum over 2^63-1 bytes")

// ErrTooManyRecords is the error of a body with more than the allowed number of records.
var ErrTooManyRecords = errors.New("too many records")

// Posting is the content of one POST: batches in order of first appearance, each of another hour.
type Posting struct {
	Records int // as received, before they were added up
	Batches []*Batch
	Aside   SetAside // records that are not valid by themselves, of a lenient request
	ByKey   bool     // of each batch the key and the hour decide, and not the content: see IdentifyByKey
}

// SetAside is the part of a lenient request that is not valid.
type SetAside struct {
	Records int
	First   []*RecordError // the reasons of the first records, at most MaxReasons
}

// MaxReasons is the largest number of reasons in SetAside.First.
const MaxReasons = 10

// Flows returns the number of distinct flows, counted once per hour.
func (p *Posting) Flows() int {
	n := 0
	for _, b := range p.Batches {
		n += b.Len()
	}
	return n
}

// Hours returns the hours of the posting in ascending order; never nil.
func (p *Posting) Hours() []Hour {
	hours := make([]Hour, 0, len(p.Batches))
	for _, b := range p.Batches {
		hours = append(hours, b.Slice.Hour)
	}
	slices.Sort(hours)
	return hours
}

// AddUp adds up records into the batches of one request, one batch for each hour. It fails with a *RecordError when a
// name is not 1 to MaxName bytes of UTF-8 or a number is negative, and with an error wrapping ErrOverflow when a sum of
// a flow would exceed 2^63-1. It does not check MaxBytes and the units of hours, because these belong to the contract
// of requests. It keeps no part of records.
func AddUp(records []Record) (*Posting, error) {
	b := PostingBuilder{Leniency: Leniency{AnyHour: true}}
	b.Reset(len(records))
	for i, r := range records {
		if f, reason := r.fault(); reason != "" {
			return nil, &RecordError{Index: i, Field: f.String(), Reason: reason}
		}
		if err := b.Add([]byte(r.SrcApp), []byte(r.DestApp), []byte(r.VPCID), r.Totals, r.Hour); err != nil {
			return nil, err
		}
	}
	return b.Posting(), nil
}
