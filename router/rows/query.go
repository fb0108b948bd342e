package rows

import (
	"io"
	"net/http"

	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/router/ask"
	"flowring/router/format"
)

// Query is the answer to a query. Its fields are set before the first method is called.
type Query struct {
	*Output
	contract.Rows
	Asked *ask.Query
	Spec  *query.Spec // as resolved from Asked
	Path  string      // of the request, for the link to the next page

	saturated bool
	next      string // the cursor of the next page
}

// The bytes of a page that are held until its end is known: then its Link is a header, and otherwise a trailer.
const (
	maxHeld  = 1 << 20
	rowBytes = 256 // of one row, as a rule
)

// Held returns the number of bytes to hold until the end of the rows is known.
func (a *Query) Held() int { return min(a.Spec.Limit, maxHeld/rowBytes) * rowBytes }

// Trailers are the names of the headers that SetEnd sets.
const Trailers = "Flowring-Saturated, Link"

// Tag implements contract.Answer.
func (a *Query) Tag() contract.Tag { return a.ClientTag(a.Rows.Tag()) }

// WriteTo implements contract.Answer. It returns no number of bytes.
func (a *Query) WriteTo(w io.Writer) (int64, error) {
	table := format.NewRows(w, a.Form, a.Texts, a.Spec)
	for row, err := range a.All() {
		if err != nil {
			return 0, err
		}
		if err := table.Write(&row); err != nil {
			return 0, err
		}
	}
	a.Output.Rows, a.saturated = table.Count(), table.Saturated()
	if after, more := a.Next(); more {
		a.next = a.Asked.Cursor(a.Spec, after)
	}
	return 0, table.Close()
}

// SetEnd sets the headers that are known at the end of the rows.
func (a *Query) SetEnd(h http.Header) {
	setSaturated(h, a.saturated)
	if a.next != "" {
		values := a.Asked.Values()
		values.Set("cursor", a.next)
		h.Set("Link", "<"+a.Path+"?"+values.Encode()+`>; rel="next"`)
	}
}

func setSaturated(h http.Header, saturated bool) {
	if saturated {
		h.Set("Flowring-Saturated", "true")
	}
}
