package coding

import (
	"net/http"

	"flowring/router/accept"
)

// Accepted returns the coding for an answer, from the Accept-Encoding of the client (RFC 9110, section 12.5.3): the
// coding with the greatest weight, and of equals zstd before gzip before identity. Without the header it returns
// Identity, and a plain curl shows the text. An uncompressed answer is never refused, as the RFC advises.
// Malformed elements are ignored.
func Accepted(h http.Header) Coding {
	var asked weights
	for e := range accept.Elements(h.Values("Accept-Encoding")) {
		asked.add(e)
	}
	best := Identity
	for _, c := range [...]Coding{Gzip, Zstd} {
		if w := asked.of(c); w > 0 && w >= asked.of(best) {
			best = c
		}
	}
	return best
}

// weights are the weights of codings in a request, in thousandths.
type weights struct {
	named map[Coding]int
	rest  int // the weight of "*"
}

func (w *weights) of(c Coding) int {
	if weight, ok := w.named[c]; ok || c == Identity {
		return weight
	}
	return w.rest
}

// add takes one element of the header. If a coding is named twice, the last weight counts. An element with parameters
// names no coding.
func (w *weights) add(e accept.Element) {
	if e.Parameters {
		return
	}
	if e.Name == "*" {
		w.rest = e.Weight
		return
	}
	if c, known := named(e.Name); known {
		if w.named == nil {
			w.named = map[Coding]int{}
		}
		w.named[c] = e.Weight
	}
}
