package compact

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"flowring/flow"
	"flowring/flow/field"
	"flowring/flow/scan"
)

// Decoder parses compact bodies. It reuses its working memory from one body to the next. The zero value is ready to
// use, by one goroutine at a time.
type Decoder struct {
	flow.Leniency
	builder flow.PostingBuilder
	message message
	symbols []uint32          // of the names, by index, plus 1; 0: no record had the name so far
	hours   [blockSize]uint64 // of some records
	set     set
}

const (
	blockSize     = 128 // records whose hours are decoded at once; they stay in the processor's cache
	namesOfRecord = 3   // src_app, dest_app, vpc_id
)

// Decode parses the body of a POST and adds the records up. The first fault in the body refuses the whole body, with a
// *flow.RecordError, with an error wrapping flow.ErrOverflow, or with one wrapping flow.ErrTooManyRecords if the body
// has more than maxRecords records. Decode does not change body and keeps no part of it.
func (d *Decoder) Decode(body []byte, maxRecords int) (*flow.Posting, error) {
	d.builder.Leniency = d.Leniency
	d.message.reset(namesOfRecord * maxRecords)
	p, err := d.decode(body, maxRecords)
	d.message.reset(0)
	if d.builder.Release(len(body)) {
		*d = Decoder{Leniency: d.Leniency}
	}
	return p, err
}

func (d *Decoder) decode(body []byte, maxRecords int) (*flow.Posting, error) {
	if other := otherForm(body); other != "" {
		return nil, bodyFault("must be a message of protobuf, got %s", other)
	}
	if err := d.message.read(body); err != nil {
		return nil, err
	}
	records, err := d.message.records()
	if err != nil {
		return nil, err
	}
	if max(records, d.message.flows) > maxRecords {
		return nil, fmt.Errorf("%w: one request may have %d; send the others in other requests", flow.ErrTooManyRecords,
			maxRecords)
	}
	if p := d.ordered(records); p != nil {
		return p, nil
	}
	d.symbols = append(d.symbols[:0], make([]uint32, len(d.message.names))...)
	d.builder.Reset(records + records/4) // then the hash table of distinct flows need not grow
	for done := 0; done < records; done += blockSize {
		if err := d.addBlock(done, min(blockSize, records-done)); err != nil {
			return nil, err
		}
	}
	return d.builder.Posting(), nil
}

// otherForm recognizes a body of another form, and returns its name and advice; it is empty for others.
func otherForm(body []byte) string {
	switch {
	case len(body) == 0:
		return "an empty body"
	case body[0] == '[', body[0] == '{':
		return "JSON; say so with the header Content-Type: application/json"
	}
	return ""
}

// addBlock adds n records; done have been added before.
func (d *Decoder) addBlock(done, n int) error {
	hours := d.hours[:n]
	if !d.message.hours(hours) {
		return bodyFault("the column %s has a number of more than 64 bits", field.Hour)
	}
	m, most := &d.message, uint64(d.MaxSum())
	good := flow.Hour(math.MinInt64) // the newest hour without a fault
	for i, hour := range hours {
		r := m.row(done + i)
		r.hour = flow.Hour(hour)
		names, known := d.known(&r.names)
		if !known || r.tx > most || r.rx > most || r.hour != good {
			if err := d.fault(&r); err != nil {
				if err = d.builder.LeaveOut(err); err != nil {
					return err
				}
				continue
			}
			names, good = d.number(&r.names), r.hour
		}
		if !d.builder.AddNumbered(names, flow.Totals{BytesTx: int64(r.tx), BytesRx: int64(r.rx)}, r.hour) {
			name := func(i int) string { return string(m.name(r.names[i])) }
			return flow.Overflow(r.hour, flow.Key{SrcApp: name(0), DestApp: name(1), VPCID: name(2)})
		}
	}
	return nil
}

// index returns index i of a column, and sum its number i of bytes.
func index(column []byte, i int) uint32 { return binary.LittleEndian.Uint32(column[4*i:]) }
func sum(column []byte, i int) uint64   { return binary.LittleEndian.Uint64(column[8*i:]) }

// known returns the symbols of the names at indices. ok is false unless all of them have symbols.
func (d *Decoder) known(at *[namesOfRecord]uint32) (names scan.Symbols, ok bool) {
	n := uint32(len(d.symbols))
	if at[0] >= n || at[1] >= n || at[2] >= n {
		return names, false
	}
	names = scan.Symbols{Src: d.symbols[at[0]] - 1, Dest: d.symbols[at[1]] - 1, VPC: d.symbols[at[2]] - 1}
	return names, names.Src != none && names.Dest != none && names.VPC != none
}

const none = math.MaxUint32 // one less than the 0 of a name without a symbol

// number returns the symbols of the names at indices, which have no fault.
func (d *Decoder) number(at *[namesOfRecord]uint32) (names scan.Symbols) {
	for i, to := range [...]*uint32{&names.Src, &names.Dest, &names.VPC} {
		symbol := &d.symbols[at[i]]
		if *symbol == 0 {
			*symbol = d.builder.Symbol(d.message.name(at[i])) + 1
		}
		*to = *symbol - 1
	}
	return names
}

// row is a record of a body.
type row struct {
	flow   uint32
	names  [namesOfRecord]uint32 // indices
	tx, rx uint64
	hour   flow.Hour
}

// row returns record i without its hour. The names of an unknown flow are unknown, too.
func (m *message) row(i int) row {
	c := &m.columns
	r := row{flow: uint32(i), tx: sum(c[field.BytesTx].text, i), rx: sum(c[field.BytesRx].text, i)}
	if len(m.flowOf.text) > 0 {
		r.flow = index(m.flowOf.text, i)
	}
	for f := range r.names {
		r.names[f] = math.MaxUint32
		if at := int(r.flow); at < m.flows {
			r.names[f] = index(c[f].text, at)
		}
	}
	return r
}

// fault returns the fault of a record; nil if it has none.
func (d *Decoder) fault(r *row) error {
	if r.flow >= uint32(d.message.flows) {
		return &flow.RecordError{
			Index: d.builder.Records(), Field: "flow", Syntax: flow.Protobuf,
			Reason: fmt.Sprintf("must be an index of the %d flows, got %d", d.message.flows, r.flow),
		}
	}
	for f, index := range r.names {
		if reason := d.nameFault(field.Field(f), index); reason != "" {
			return d.refuse(field.Field(f), reason)
		}
	}
	for i, sum := range [...]uint64{r.tx, r.rx} {
		if f := field.BytesTx + field.Field(i); sum > uint64(d.MaxSum()) {
			return d.refuse(f, field.Got(f.Want(), strconv.AppendUint(nil, sum, 10)))
		}
	}
	if reason := d.builder.HourFault(r.hour); reason != "" {
		return d.refuse(field.Hour, reason)
	}
	return nil
}

// refuse returns the error about a field of the record being read.
func (d *Decoder) refuse(f field.Field, reason string) error {
	return &flow.RecordError{Index: d.builder.Records(), Field: f.String(), Reason: reason, Syntax: flow.Protobuf}
}

// nameFault returns the reason why the name at an index cannot be that of a field; it is empty for a valid one.
func (d *Decoder) nameFault(f field.Field, index uint32) string {
	if index >= uint32(len(d.symbols)) {
		return fmt.Sprintf("must be an index of the %d names, got %d", len(d.symbols), index)
	}
	if d.symbols[index] != 0 {
		return ""
	}
	switch text := d.message.name(index); {
	case len(text) == 0:
		return f.Want() + ", got an empty name"
	case len(text) > flow.MaxName:
		return fmt.Sprintf("%s, got %d bytes: %s", f.Want(), len(text), field.Quote(text))
	case !utf8.Valid(text):
		return "must be valid UTF-8, got " + field.Quote(text)
	}
	return ""
}
