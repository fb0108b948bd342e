package received

import (
	"errors"
	"io"
	"iter"
	"net/http"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/node/peer/wire"
)

// Answer is the flows of a slice, as another store sends them. It implements peer.Answer.
type Answer struct {
	res     *http.Response
	slice   flow.Slice
	columns bool
	facts   Facts
}

// Facts are the content of the headers of an answer.
type Facts struct {
	Complete, Tag string
	Whole         bool // all parts share one table of names
}

// New returns the flows of a slice in the body of an answer, which it takes over: in JSON, in columns or in parts.
func New(res *http.Response, s flow.Slice, columns bool, facts Facts) *Answer {
	return &Answer{res, s, columns, facts}
}

// Complete implements peer.Answer. An unknown text is the weakest completeness.
func (a *Answer) Complete() contract.Completeness {
	c, _ := contract.ParseCompleteness(a.facts.Complete)
	return c
}

// Tag implements peer.Answer.
func (a *Answer) Tag() contract.Tag { return contract.Tag(a.facts.Tag) }

// Whole implements peer.Answer.
func (a *Answer) Whole() bool { return a.facts.Whole }

// Ready implements peer.Answer.
func (a *Answer) Ready() bool { return true }

// Close implements peer.Answer.
func (a *Answer) Close() error { return a.res.Body.Close() }

// Parts implements peer.Answer.
func (a *Answer) Parts() iter.Seq2[*flow.Batch, error] {
	switch {
	case a.res.StatusCode == http.StatusNoContent:
		return func(yield func(*flow.Batch, error) bool) { yield(nil, errNoFlows) }
	case a.columns:
		return wire.ReadColumns(a.res.Body, a.slice)
	}
	return wire.ReadBatches(a.res.Body, a.slice)
}

// WriteTo implements peer.Answer. It passes the bytes of the peer on.
func (a *Answer) WriteTo(w io.Writer) (int64, error) {
	if a.res.StatusCode == http.StatusNoContent {
		return 0, errNoFlows
	}
	return io.Copy(w, a.res.Body)
}

// errNoFlows is the error of an answer whose tag the caller knows.
var errNoFlows = errors.New("the answer has no flows, because the caller knows them")
