package rows

import (
	"io"
	"net/http"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/router/format"
)

// Hours is the answer to a question for the totals of hours.
type Hours struct {
	*Output
	Hours     contract.Hours
	saturated bool
}

// From returns the first hour of the answer if hours of the range before it have expired; nil: none has.
func (a *Hours) From() *flow.Hour { return a.Hours.From }

// Erased implements contract.Erased.
func (a *Hours) Erased() int64 { return a.Hours.Erased }

// Complete implements contract.Answer.
func (a *Hours) Complete() contract.Completeness { return a.Hours.Complete }

// Tag implements contract.Answer.
func (a *Hours) Tag() contract.Tag { return a.ClientTag(a.Hours.Tag) }

// Close implements contract.Answer.
func (a *Hours) Close() error { return nil }

// WriteTo implements contract.Answer. It returns no number of bytes.
func (a *Hours) WriteTo(w io.Writer) (int64, error) {
	table := format.NewHours(w, a.Form, a.Texts)
	for i := range a.Hours.Totals {
		if err := table.Write(&a.Hours.Totals[i]); err != nil {
			return 0, err
		}
	}
	a.Rows, a.saturated = table.Count(), table.Saturated()
	return 0, table.Close()
}

// SetEnd sets the headers that are known at the end of the rows.
func (a *Hours) SetEnd(h http.Header) { setSaturated(h, a.saturated) }

// Names is the answer to GET /names in the form for a client. It has no tag.
type Names struct {
	*Output
	Names contract.Names
}

// From returns the first hour of the answer if hours of the range before it have expired; nil: none has.
func (a *Names) From() *flow.Hour { return a.Names.From }

// Erased implements contract.Erased.
func (a *Names) Erased() int64 { return a.Names.Erased }

// Complete implements contract.Answer.
func (a *Names) Complete() contract.Completeness { return a.Names.Complete }

// Tag implements contract.Answer.
func (a *Names) Tag() contract.Tag { return "" }

// Close implements contract.Answer.
func (a *Names) Close() error { return nil }

// WriteTo implements contract.Answer. It returns no number of bytes.
func (a *Names) WriteTo(w io.Writer) (int64, error) {
	table := format.NewNames(w, a.Form)
	for _, name := range a.Names.Names {
		if err := table.Write(name); err != nil {
			return 0, err
		}
	}
	a.Rows = table.Count()
	return 0, table.Close()
}
