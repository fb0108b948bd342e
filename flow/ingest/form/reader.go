package form

import (
	"fmt"

	"flowring/flow/ingest/preset"
)

// Sink takes the rows of a body.
type Sink interface {
	// Row takes a row. It must keep no part of the list. An error ends the reading.
	Row(values []string) error
	// Malformed counts a record that cannot be read.
	Malformed()
}

// Reader reads bodies of one preset.
type Reader interface {
	// Read reads the rows of a body. It fails with an error of the sink, with a *BodyError, or with a *BrokenError after
	// the rows before the fault.
	Read(body []byte, to Sink) error
}

// BodyError is the error of a body that is not in the form of its preset.
type BodyError struct{ Reason string }

// Error returns the reason.
func (e *BodyError) Error() string { return e.Reason }

// BrokenError is the error of a body that breaks off, or that has a fault behind which no record can be found. A sender
// encodes such a body as a whole, so its rows must not count without the others.
type BrokenError struct{ Reason string }

// Error returns the reason.
func (e *BrokenError) Error() string { return e.Reason }

// New returns a reader for the form of a preset. It fails for a form whose bodies have a reader elsewhere.
func New(p *preset.Preset) (Reader, error) {
	switch p.Form {
	case "json":
		return newJSON(p.Fields(), p.Records), nil
	case "aws-lines":
		return newAWS(p.Fields(), p.Columns), nil
	case "csv":
		return newCSV(p.Fields()), nil
	}
	return nil, fmt.Errorf("preset %s: the form %s has no reader of rows", p.Name, p.Form)
}
