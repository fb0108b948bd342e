package traffic

import (
	"math/rand/v2"
	"strconv"

	"flowring/flow"
)

// form is JSON as an encoder writes it.
type form struct {
	name  string
	short bool // the short form of the benchmark has it

	open, next, end string // of a record
	between         string // two records
	colon           string
	order           [6]int // of the fields
	shuffled        bool   // each record has its own order
	extra           string // a field that no record needs, before each field; empty: none
	prefix          string // of the names, as JSON
}

var fields = [6]string{"src_app", "dest_app", "vpc_id", "bytes_tx", "bytes_rx", "hour"}

var inOrder = [6]int{0, 1, 2, 3, 4, 5}

var (
	compact = form{name: "compact", open: "{", next: ",", end: "}", between: ",", colon: ":", order: inOrder}
	python  = form{name: "Python's json.dumps", short: true, open: "{", next: ", ", end: "}", between: ", ", colon: ": ",
		order: inOrder}
)

// forms returns all forms.
func forms() []form {
	change := func(name string, short bool, change func(*form)) form {
		f := compact
		f.name, f.short = name, short
		change(&f)
		return f
	}
	return []form{
		compact, python,
		change("Jackson's pretty print", false, func(f *form) {
			f.open, f.next, f.end, f.between, f.colon = "{\n  ", ",\n  ", "\n}", ", ", " : "
		}),
		change("a Go struct in another order", false, func(f *form) { f.order = [6]int{5, 2, 0, 1, 3, 4} }),
		change("each record in another order", true, func(f *form) { f.shuffled = true }),
		change("unknown fields between", false, func(f *form) { f.extra = `"proto":"tcp"` }),
		change("an unknown object between", false, func(f *form) { f.extra = `"labels":{"team":"net","tier":1}` }),
		change("escaped names", true, func(f *form) { f.prefix = `gr\u00f6\u00dfe-` }),
		change("names in UTF-8", false, func(f *form) { f.prefix = "größe-" }),
	}
}

// append appends a record.
func (f form) append(dst []byte, r *flow.Record, rng *rand.Rand) []byte {
	order := f.order
	if f.shuffled {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	names := [...]string{r.SrcApp, r.DestApp, r.VPCID}
	numbers := [...]int64{r.BytesTx, r.BytesRx, int64(r.Hour)}
	dst = append(dst, f.open...)
	for i, field := range order {
		if i > 0 {
			dst = append(dst, f.next...)
		}
		if f.extra != "" && i%2 == 1 {
			dst = append(append(dst, f.extra...), f.next...)
		}
		dst = append(append(append(dst, '"'), fields[field]...), '"')
		dst = append(dst, f.colon...)
		if field < len(names) {
			dst = append(append(append(append(dst, '"'), f.prefix...), names[field]...), '"')
			continue
		}
		dst = strconv.AppendInt(dst, numbers[field-len(names)], 10)
	}
	return append(dst, f.end...)
}
