package coding

import (
	"net/http"
	"strings"
)

// Accepted returns the coding for an answer, from the Accept-Encoding of the client (RFC 9110, section 12.5.3): the
// coding with the greatest weight, and of equals zstd before gzip before identity. Without the header it returns
// Identity, and a plain curl shows the text. An uncompressed answer is never refused, as the RFC advises.
// Malformed elements are ignored.
func Accepted(h http.Header) Coding {
	var asked weights
	for element := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		asked.add(element)
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

// add reads one element of the header, such as "gzip;q=0.5". If a coding is named twice, the last weight counts.
func (w *weights) add(element string) {
	name, parameter, weighed := strings.Cut(element, ";")
	weight := 1000
	if weighed {
		var ok bool
		if weight, ok = parseWeight(strings.TrimSpace(parameter)); !ok {
			return
		}
	}
	name = strings.TrimSpace(name)
	if name == "*" {
		w.rest = weight
		return
	}
	if c, known := named(name); known && name != "" {
		if w.named == nil {
			w.named = map[Coding]int{}
		}
		w.named[c] = weight
	}
}

// parseWeight reads "q=" and a number from 0 to 1 with up to three decimals, as thousandths.
func parseWeight(text string) (thousandths int, ok bool) {
	if len(text) < len("q=0") || !strings.EqualFold(text[:2], "q=") {
		return 0, false
	}
	whole, decimals, _ := strings.Cut(text[2:], ".")
	if whole != "0" && whole != "1" || len(decimals) > 3 {
		return 0, false
	}
	n := int(whole[0] - '0')
	for i := range 3 {
		digit := byte('0')
		if i < len(decimals) {
			digit = decimals[i]
		}
		if digit < '0' || digit > '9' {
			return 0, false
		}
		n = 10*n + int(digit-'0')
	}
	return n, n <= 1000
}
