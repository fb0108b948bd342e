package flow

import (
	"fmt"

	"flowring/flow/field"
)

// RecordError names the refused record of a request and the reason, in words for the sender. The whole request is
// refused with the record.
type RecordError struct {
	Index  int    // of the record, from 0; -1: the error is about the whole body
	Line   int    // of the body, from 1; 0: the body has one line
	Field  string // as the record spells it; empty: the error is not about one field
	Reason string // lower case; says which value is wanted
	Syntax Syntax // of the body
	Broken bool   // no record after it can be found, or the record is over a limit: it cannot be left out
}

// Syntax is the language of a body.
type Syntax int

// The languages.
const (
	JSON Syntax = iota
	CSV
	Protobuf
)

// Error joins the line, the record, the field and the reason, as far as they are known:
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

// fault returns the first field whose value no batch can hold, and the reason; the reason is empty for a valid record.
func (r *Record) fault() (f field.Field, reason string) {
	for i, name := range [...]string{r.SrcApp, r.DestApp, r.VPCID} {
		if reason := field.NameFault(name); reason != "" {
			return field.SrcApp + field.Field(i), reason
		}
	}
	for i, sum := range [...]int64{r.BytesTx, r.BytesRx} {
		if sum < 0 {
			return field.BytesTx + field.Field(i), fmt.Sprintf("must not be negative, got %d", sum)
		}
	}
	return 0, ""
}
