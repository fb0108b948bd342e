package accept

import (
	"iter"
	"strings"
)

// MaxWeight is the weight of an element without a weight of its own.
const MaxWeight = 1000

// Element is one element of a list, such as "gzip;q=0.5".
type Element struct {
	Name       string // in lower case
	Parameters bool   // it has parameters beside the weight
	Weight     int    // in thousandths, from 0 to MaxWeight
}

// Elements yields the well-formed elements of the lines of a header.
func Elements(lines []string) iter.Seq[Element] {
	return func(yield func(Element) bool) {
		for text := range strings.SplitSeq(strings.Join(lines, ","), ",") {
			if e, ok := parse(text); ok && !yield(e) {
				return
			}
		}
	}
}

func parse(text string) (Element, bool) {
	name, parameters, more := strings.Cut(text, ";")
	e := Element{Name: strings.ToLower(strings.TrimSpace(name)), Weight: MaxWeight}
	for more {
		var parameter string
		parameter, parameters, more = strings.Cut(parameters, ";")
		parameter = strings.TrimSpace(parameter)
		if len(parameter) < 2 || !strings.EqualFold(parameter[:2], "q=") {
			e.Parameters = true
			continue
		}
		var ok bool
		if e.Weight, ok = weight(parameter[2:]); !ok {
			return Element{}, false
		}
	}
	return e, e.Name != ""
}

// weight reads a number from 0 to 1 with up to three decimals, as thousandths.
func weight(text string) (thousandths int, ok bool) {
	whole, decimals, _ := strings.Cut(text, ".")
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
	return n, n <= MaxWeight
}

// Names reports whether the lines of a header Accept name a media type itself. A wildcard does not name it.
func Names(lines []string, media string) bool {
	for e := range Elements(lines) {
		if e.Name == media && e.Weight > 0 {
			return true
		}
	}
	return false
}

// Media returns the offer that a client prefers by the lines of its header Accept, and the first of several with one
// weight. The most specific element decides about an offer; its parameters do not matter. ok is false if the client
// takes none of the offers. A client without the header takes all of them.
func Media(lines []string, offers ...string) (best string, ok bool) {
	if strings.TrimSpace(strings.Join(lines, "")) == "" {
		return offers[0], true
	}
	most := 0
	for _, offer := range offers {
		if w := mediaWeight(lines, offer); w > most {
			best, most = offer, w
		}
	}
	return best, most > 0
}

// mediaWeight returns the weight of an offer: that of its own name, else of its type, else of all types.
func mediaWeight(lines []string, offer string) int {
	kind, _, _ := strings.Cut(offer, "/")
	weight, specific := 0, 0
	for e := range Elements(lines) {
		level := 0
		switch e.Name {
		case offer:
			level = 3
		case kind + "/*":
			level = 2
		case "*/*":
			level = 1
		}
		if level > 0 && level >= specific {
			weight, specific = e.Weight, level
		}
	}
	return weight
}
