package flow

import (
	"fmt"
	"unicode/utf8"
)

// field is one of the fields of a record, in the order in which answers have them.
type field int

const (
	fieldSrc field = iota
	fieldDest
	fieldVPC
	fieldTx
	fieldRx
	fieldHour
	numFields
)

// String returns the name of the field in answers.
func (f field) String() string {
	return [numFields]string{"src_app", "dest_app", "vpc_id", "bytes_tx", "bytes_rx", "hour"}[f]
}

// fieldNamed returns the field that requests call name, and name itself without its memory; numFields for a name that is not
// ours.
func fieldNamed(name string) (f field, spelling string) {
	switch name {
	case "src_app":
		return fieldSrc, "src_app"
	case "src_ip":
		return fieldSrc, "src_ip"
	case "dest_app":
		return fieldDest, "dest_app"
	case "dest_ip":
		return fieldDest, "dest_ip"
	case "vpc_id":
		return fieldVPC, "vpc_id"
	case "vpc":
		return fieldVPC, "vpc"
	case "bytes_tx":
		return fieldTx, "bytes_tx"
	case "bytes_rx":
		return fieldRx, "bytes_rx"
	case "hour":
		return fieldHour, "hour"
	}
	return numFields, ""
}

// RecordError says which record of a request is refused and why, for the person who sent it. The whole request is refused with
// it.
type RecordError struct {
	Index  int    // of the record, from 0; -1: the body as a whole
	Line   int    // of the body, from 1; 0: the body has but one
	Field  string // as the record spells it; empty: no one field
	Reason string // lower case, says what would be right
	CSV    bool   // the body was read as CSV
}

// Error returns what there is of line, record, field and reason, as in
//
//	line 5: record 3: field "bytes_tx": must be an integer from 0 to 9007199254740991, got 1.5
func (e *RecordError) Error() string {
	text := e.Reason
	if e.Field != "" {
		text = fmt.Sprintf("field %q: %s", e.Field, text)
	}
	if e.Index >= 0 {
		text = fmt.Sprintf("record %d: %s", e.Index, text)
	}
	if e.Line > 0 {
		text = fmt.Sprintf("line %d: %s", e.Line, text)
	}
	return text
}

// fault returns the first field that no batch can hold, and why; an empty reason when there is none.
func (r *Record) fault() (f field, reason string) {
	for i, name := range [...]string{r.SrcApp, r.DestApp, r.VPCID} {
		if reason := nameFault(name); reason != "" {
			return fieldSrc + field(i), reason
		}
	}
	for i, sum := range [...]int64{r.BytesTx, r.BytesRx} {
		if sum < 0 {
			return fieldTx + field(i), fmt.Sprintf("must not be negative, got %d", sum)
		}
	}
	return 0, ""
}

// nameFault returns why s cannot be a name; empty when it can.
func nameFault(s string) string {
	switch {
	case s == "":
		return "must not be empty"
	case len(s) > MaxName:
		return fmt.Sprintf("must be at most %d bytes, got %d", MaxName, len(s))
	case !utf8.ValidString(s):
		return "must be valid UTF-8"
	}
	return ""
}
