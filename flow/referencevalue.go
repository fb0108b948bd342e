package flow

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"flowring/flow/field"
)

// member reads the name and the value of one field.
func (d *referenceDecoder) member() error {
	name, err := d.tokens.ReadToken()
	if err != nil {
		return d.syntaxError(d.index(), "", err)
	}
	f, spelling := field.Named(name.String())
	if f == field.Unknown {
		return d.skip()
	}
	if before := d.seen[f]; before == spelling {
		return d.refuse(spelling, "is there twice")
	} else if before != "" {
		return d.refuse(spelling, fmt.Sprintf("is another name for %q, which the record has too", before))
	}
	d.seen[f] = spelling
	switch f {
	case field.BytesTx, field.BytesRx:
		d.sums[f-field.BytesTx], err = d.integer(f, spelling)
	case field.Hour:
		d.hour, err = d.integer(f, spelling)
	default:
		d.names[f], err = d.name(f, spelling, d.names[f][:0])
	}
	return err
}

// skip reads the value of an unknown field.
func (d *referenceDecoder) skip() error {
	depth := d.tokens.StackDepth()
	for {
		if _, err := d.tokens.ReadToken(); err != nil {
			return d.syntaxError(d.index(), "", err)
		}
		switch now := d.tokens.StackDepth(); {
		case now > d.maxDepth:
			const reason = "must not nest arrays and objects more than %d deep, does so at byte %d"
			d.at = int(d.tokens.InputOffset()) - 1
			return &RecordError{Index: d.index(), Reason: fmt.Sprintf(reason, maxDepth, d.at), Broken: true}
		case now == depth:
			return nil
		}
	}
}

// name reads a string and appends it to dst.
func (d *referenceDecoder) name(f field.Field, spelling string, dst []byte) ([]byte, error) {
	raw, err := d.value(f, spelling)
	if err != nil {
		return nil, err
	}
	name, err := jsontext.AppendUnquote(dst, raw) // fails for any value but a string
	switch n := len(name); {
	case err != nil, n == 0:
		return nil, d.refuse(spelling, field.Got(f.Want(), raw))
	case n > MaxName:
		return nil, d.refuse(spelling, fmt.Sprintf("%s, got %d bytes: %s", f.Want(), n, field.Quote(raw)))
	}
	return name, nil
}

// integer reads a number without fraction or exponent.
func (d *referenceDecoder) integer(f field.Field, spelling string) (int64, error) {
	raw, err := d.value(f, spelling)
	if err != nil {
		return 0, err
	}
	n, reason := field.Integer(f, raw, d.builder.MaxSum())
	if reason != "" {
		return 0, d.refuse(spelling, reason)
	}
	return n, nil
}

// value reads the value of a known field. It refuses objects and arrays without reading them.
func (d *referenceDecoder) value(f field.Field, spelling string) (jsontext.Value, error) {
	switch d.tokens.PeekKind() {
	case jsontext.KindBeginObject:
		return nil, d.refuseNext(spelling, f.Want()+", got an object")
	case jsontext.KindBeginArray:
		return nil, d.refuseNext(spelling, f.Want()+", got an array")
	}
	raw, err := d.tokens.ReadValue()
	if err != nil {
		return nil, d.syntaxError(d.index(), spelling, err)
	}
	return raw, nil
}
