package importer

import (
	"bufio"
	"errors"

	"flowring/cmd/flowring/parts"
	"flowring/flow"
	"flowring/flow/csv"
	"flowring/flow/field"
	"flowring/flow/ingest"
	"flowring/flow/ingest/form"
)

// own is a file with records of Flowring. Totals of answers may exceed the bytes of one record.
type own struct {
	in     *bufio.Reader
	isCSV  bool
	header []byte // the header row, with its line end; empty: it is yet to come
	json   flow.Decoder
	csv    csv.Decoder
	row    []byte // the memory of decode
}

// openOwn begins a file. Its first byte tells its form.
func openOwn(in *bufio.Reader, first byte) file {
	lenient := flow.Leniency{AnySum: true}
	return &own{
		in: in, isCSV: first != '{' && first != '[', json: flow.Decoder{Leniency: lenient},
		csv: csv.Decoder{Leniency: lenient},
	}
}

func (o *own) parts() *parts.Reader {
	if o.isCSV {
		return parts.Lines(o.in, o.kind, true)
	}
	return parts.Objects(o.in)
}

// kind tells the kind of a line: the first one that is not empty is the header.
func (o *own) kind(line []byte) form.LineKind {
	switch {
	case len(line) == 0:
		return form.NoRecord
	case len(o.header) == 0:
		o.header = append(append(o.header, line...), '\n')
		return form.HeaderLine
	}
	return form.RecordLine
}

// decode decodes a text of at most so many records. header is the header row of CSV.
func (o *own) decode(header, text []byte, most int) (*flow.Posting, error) {
	if o.isCSV {
		o.row = append(append(o.row[:0], header...), text...)
		return o.csv.Decode(o.row, most)
	}
	return o.json.Decode(text)
}

// checkHeader implements file.
func (o *own) checkHeader() error {
	if !o.isCSV {
		return nil
	}
	if _, err := o.csv.Decode(o.header, 0); err != nil {
		return errors.New("want records as JSON, one after the other, or as CSV with a header row: " + err.Error())
	}
	return nil
}

// mapPart decodes all records at once. If one has a fault it decodes each by itself.
func (o *own) mapPart(p *parts.Part, aside aside) (c content, err error) {
	header := p.Text[:p.Units[0].Begin]
	if err := o.checkHeader(); err != nil {
		return c, err
	}
	if posting, err := o.decode(header, p.Text[len(header):], len(p.Units)); err == nil &&
		posting.Records == len(p.Units) {
		keep(&c.counts, posting)
		c.posting = posting
		return c, nil
	}
	add := adder{sums: map[flowOfHour]flow.Totals{}}
	add.builder.Reset(len(p.Units))
	for _, u := range p.Units {
		posting, why := o.one(header, p, u)
		if why == ingest.Kept {
			why = add.add(posting.Batches[0])
		}
		if why == ingest.Kept {
			keep(&c.counts, posting)
			continue
		}
		c.counts.SetAside(why, 0)
		if err := aside(why, u.Line); err != nil {
			return c, err
		}
	}
	c.posting = add.builder.Posting()
	return c, nil
}

// one decodes a record by itself.
func (o *own) one(header []byte, p *parts.Part, u parts.Unit) (*flow.Posting, ingest.Reason) {
	if u.Bad {
		return nil, ingest.Malformed
	}
	posting, err := o.decode(header, p.Of(u), 1)
	if err != nil {
		return nil, reasonOf(err)
	}
	if posting.Records != 1 {
		return nil, ingest.Malformed
	}
	return posting, ingest.Kept
}

// adder adds up records. It leaves out a record with which a sum would exceed 2^63-1 (P14).
type adder struct {
	builder flow.PostingBuilder
	sums    map[flowOfHour]flow.Totals
}

type flowOfHour struct {
	flow.Key
	hour flow.Hour
}

// add adds a batch of one record.
func (a *adder) add(b *flow.Batch) ingest.Reason {
	k := flowOfHour{b.FlowKey(0), b.Slice.Hour}
	sum, saturated := a.sums[k].Add(b.Totals(0))
	if saturated {
		return ingest.TooLarge
	}
	if err := a.builder.Add([]byte(k.SrcApp), []byte(k.DestApp), []byte(k.VPCID), b.Totals(0), k.hour); err != nil {
		return reasonOf(err)
	}
	a.sums[k] = sum
	return ingest.Kept
}

// keep counts the records of a posting.
func keep(c *ingest.Counts, p *flow.Posting) {
	var sum ingest.Sum
	for _, b := range p.Batches {
		sum = sum.Plus(ingest.SumOf(b))
	}
	sum.Records = uint64(p.Records) // of which several may be one flow
	c.Add(&ingest.Counts{Received: sum, Kept: sum})
}

// reasonOf returns the reason of a decoder's error.
func reasonOf(err error) ingest.Reason {
	var fault *flow.RecordError
	if !errors.As(err, &fault) {
		return ingest.TooLarge
	}
	switch f, _ := field.Named(fault.Field); f {
	case field.SrcApp, field.DestApp, field.VPCID:
		return ingest.BadName
	case field.BytesTx, field.BytesRx:
		return ingest.BadNumber
	case field.Hour:
		return ingest.BadTime
	}
	return ingest.Malformed
}
