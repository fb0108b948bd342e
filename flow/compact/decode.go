package compact

import (
	"encoding/binary"
	"fmt"
	"strconv"

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
	names   nameList
	block   [varintColumns][blockSize]uint64 // the numbers of some records
}

const (
	blockSize     = 128 // records whose varints are decoded at once; they stay in the processor's cache
	namesOfRecord = 3   // src_app, dest_app, vpc_id
	varintColumns = 3   // bytes_tx, bytes_rx, hour
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
	if records > maxRecords {
		return nil, fmt.Errorf("%w: one request may have %d; send the others in other requests", flow.ErrTooManyRecords,
			maxRecords)
	}
	if err := d.names.reset(&d.message); err != nil {
		return nil, err
	}
	d.builder.Reset(records + records/4) // then the hash table of distinct flows need not grow
	for done := 0; done < records; done += blockSize {
		if err := d.addBlock(done, min(blockSize, records-done)); err != nil {
			return nil, err
		}
	}
	return d.builder.PostingOf(d.names.used()), nil
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
	for i := range d.block {
		f := field.BytesTx + field.Field(i)
		if !d.message.columns[f].next(d.block[i][:n]) {
			return bodyFault("the column %s has a number of more than 64 bits", f)
		}
	}
	src, dest, vpc := d.indices(field.SrcApp, done, n), d.indices(field.DestApp, done, n), d.indices(field.VPCID, done, n)
	for i := range n {
		at := scan.Symbols{Src: index(src, i), Dest: index(dest, i), VPC: index(vpc, i)}
		if err := d.add(at, d.block[0][i], d.block[1][i], flow.Hour(d.block[2][i])); err != nil {
			if err = d.builder.LeaveOut(err); err != nil {
				return err
			}
		}
	}
	return nil
}

// indices returns n indices of a column, of 4 bytes each; done come before.
func (d *Decoder) indices(f field.Field, done, n int) []byte {
	return d.message.columns[f].text[indexSize*done:][:indexSize*n]
}

// add adds a record, whose names are at indices.
func (d *Decoder) add(at scan.Symbols, tx, rx uint64, hour flow.Hour) error {
	names, known := d.names.known(at)
	if most := uint64(d.MaxSum()); !known || tx > most || rx > most || d.builder.HourFault(hour) != "" {
		if err := d.fault(&row{[namesOfRecord]uint32{at.Src, at.Dest, at.VPC}, tx, rx, hour}); err != nil {
			return err
		}
		names = d.names.number(at)
	}
	if !d.builder.AddNumbered(names, flow.Totals{BytesTx: int64(tx), BytesRx: int64(rx)}, hour) {
		name := d.names.text
		return flow.Overflow(hour, flow.Key{SrcApp: name(at.Src), DestApp: name(at.Dest), VPCID: name(at.VPC)})
	}
	return nil
}

// index returns index i of a column.
func index(column []byte, i int) uint32 { return binary.LittleEndian.Uint32(column[indexSize*i:]) }

// row is a record of a body.
type row struct {
	names  [namesOfRecord]uint32 // indices
	tx, rx uint64
	hour   flow.Hour
}

// fault returns the fault of a record; nil if it has none.
func (d *Decoder) fault(r *row) error {
	for f, index := range r.names {
		if reason := d.names.fault(field.Field(f), index); reason != "" {
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
