package peer

import (
	"net/http"

	"flowring/internal/compat"
	"flowring/internal/contract"
	"flowring/node/peer/denial"
)

// setOffer adds the versions of the sender to the headers of a call or an answer.
func setOffer(h http.Header, mine compat.Offer) { h.Set(headerVersions, mine.String()) }

// isNode reports whether a call is of a node, of any version. The call of an operator with curl has no hash of a
// roster, and needs no version.
func isNode(h http.Header) bool { return h.Get(headerRoster) != "" }

// checkOffer refuses the sender of headers if its versions do not fit those of this node; nil: they fit.
func checkOffer(h http.Header, mine compat.Offer) *Error {
	theirs, err := compat.ParseOffer(h.Get(headerVersions))
	if err != nil {
		return denial.New(contract.Malformed, "%v", err)
	}
	if err := mine.Check(theirs); err != nil {
		return denial.New(contract.Stranger, "%v", err)
	}
	return nil
}
