package flow

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	wantName  = "must be a string of 1 to 256 bytes"
	wantBytes = "must be an integer from 0 to 9007199254740991"
	wantHour  = "must be an integer from -9223372036854775808 to 9223372036854775807"
)

// member reads one field, its name and its value.
func (d *strict) member() error {
	name, err := d.tokens.ReadToken()
	if err != nil {
		return d.syntaxError(d.index(), "", err)
	}
	f, spelling := fieldNamed(name.String())
	if f == numFields {
		return d.skip()
	}
	if before := d.seen[f]; before == spelling {
		return d.refuse(spelling, "is there twice")
	} else if before != "" {
		return d.refuse(spelling, fmt.Sprintf("is another name for %q, which the record has too", before))
	}
	d.seen[f] = spelling
	switch f {
	case fieldTx, fieldRx:
		d.sums[f-fieldTx], err = d.integer(spelling, wantBytes, 0, d.build.mostBytes())
	case fieldHour:
		d.hour, err = d.integer(spelling, wantHour, -1<<63, 1<<63-1)
	default:
		d.names[f], err = d.name(d.names[f][:0], spelling)
	}
	return err
}

// skip reads a value that is not ours, whatever it holds.
func (d *strict) skip() error {
	depth := d.tokens.StackDepth()
	for {
		if _, err := d.tokens.ReadToken(); err != nil {
			return d.syntaxError(d.index(), "", err)
		}
		switch now := d.tokens.StackDepth(); {
		case now > d.deepest:
			const reason = "must not nest arrays and objects more than %d deep, does so at byte %d"
			return d.refuse("", fmt.Sprintf(reason, maxDepth, d.tokens.InputOffset()-1))
		case now == depth:
			return nil
		}
	}
}

// name reads a string and appends it to dst.
func (d *strict) name(dst []byte, spelling string) ([]byte, error) {
	raw, err := d.value(spelling, wantName)
	if err != nil {
		return nil, err
	}
	name, err := jsontext.AppendUnquote(dst, raw) // fails for anything but a string
	switch n := len(name); {
	case err != nil, n == 0:
		return nil, d.refuse(spelling, got(wantName, raw))
	case n > MaxName:
		return nil, d.refuse(spelling, fmt.Sprintf("%s, got %d bytes: %s", wantName, n, quote(raw)))
	}
	return name, nil
}

// integer reads a number without fraction or exponent.
func (d *strict) integer(spelling, want string, lowest, highest int64) (int64, error) {
	raw, err := d.value(spelling, want)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || n < lowest || n > highest {
		return 0, d.refuse(spelling, noInteger(want, raw))
	}
	return n, nil
}

// value reads the value of one of our fields. Objects and arrays are refused unread.
func (d *strict) value(spelling, want string) (jsontext.Value, error) {
	switch d.tokens.PeekKind() {
	case jsontext.KindBeginObject:
		return nil, d.refuseNext(spelling, want+", got an object")
	case jsontext.KindBeginArray:
		return nil, d.refuseNext(spelling, want+", got an array")
	}
	raw, err := d.tokens.ReadValue()
	if err != nil {
		return nil, d.syntaxError(d.index(), spelling, err)
	}
	return raw, nil
}
