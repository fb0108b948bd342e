package router

import (
	"net/http"
	"strings"
)

// acceptedCoding returns how to compress an answer, by the client's Accept-Encoding (RFC 9110, section 12.5.3): what it weighs most, of
// equals zstd before gzip before neither. Without the header nothing is compressed: a plain curl shows what there is. An answer that is
// not compressed is never refused, as the RFC advises, and what is not well formed counts for nothing.
func acceptedCoding(h http.Header) coding {
	var asked weights
	for element := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		asked.add(element)
	}
	best := identity
	for _, c := range [...]coding{gzipped, zstded} {
		if w := asked.of(c); w > 0 && w >= asked.of(best) {
			best = c
		}
	}
	return best
}

// weights are what a client weighs codings with, in thousandths; of those that it names.
type weights struct {
	named map[coding]int
	rest  int // of "*"
}

func (w *weights) of(c coding) int {
	if weight, ok := w.named[c]; ok || c == identity {
		return weight
	}
	return w.rest
}

// add reads one element of the header, such as "gzip;q=0.5". Of a coding that is named twice the last weight counts.
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
	if c, known := codingNamed(name); known && name != "" {
		if w.named == nil {
			w.named = map[coding]int{}
		}
		w.named[c] = weight
	}
}

// parseWeight reads "q=" and 0 to 1 with up to three decimals, as thousandths.
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
