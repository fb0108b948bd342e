package flow

import "flowring/flow/scan"

// Decode is Decoder.Decode for a single body.
func Decode(body []byte) (*Posting, error) { return new(Decoder).Decode(body) }

// Decoder parses the JSON bodies of POSTs. It reuses its working memory, so Decode allocates little more than its
// result. The zero value is ready to use, by one goroutine at a time.
type Decoder struct {
	Leniency
	scanner   scan.Scanner
	builder   PostingBuilder
	reference singleRecords
}

// Decode parses the body of a POST, which is a JSON array of records or one record after the other, and adds the
// records up. It is as strict as the contract: the first fault in the body refuses the whole body, with a *RecordError,
// or with an error wrapping ErrOverflow when the records of a flow sum up to more than 2^63-1 bytes. It does not change
// body and keeps no part of it.
func (d *Decoder) Decode(body []byte) (*Posting, error) {
	if formOf(body) == noForm {
		return decodeReference(body, d.Leniency)
	}
	d.builder.Leniency = d.Leniency
	d.builder.Reset(len(body) / likelyRecord)
	d.reference = singleRecords{builder: &d.builder}
	var p *Posting
	if d.scanner.Scan(body, &d.builder.table, &d.reference) && d.builder.hoursAreValid() {
		p = d.builder.Posting()
	}
	d.reference = singleRecords{}
	d.builder.Release(len(body))
	if p == nil {
		return decodeReference(body, d.Leniency)
	}
	return p, nil
}

// form is the way in which the records of a JSON body follow each other. The first byte after white space shows it.
type form int

const (
	noForm   form = iota
	array         // between brackets, with commas between the records
	sequence      // one after the other, with or without white space between the records
)

func formOf(body []byte) form {
	for _, c := range body {
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		case '[':
			return array
		case '{':
			return sequence
		}
		return noForm
	}
	return noForm
}

// likelyRecord is the expected number of bytes of a record. It only decides how much room a table has at first.
const likelyRecord = 100

// singleRecords lets the reference decoder read single records for the scanner.
type singleRecords struct {
	builder *PostingBuilder
	decoder *referenceDecoder // nil until the first such record
}

// ReadRecord implements scan.RecordReader.
func (s *singleRecords) ReadRecord(text []byte) (n int, ok bool) {
	if s.decoder == nil {
		s.decoder = newReferenceDecoder(nil, s.builder)
		s.decoder.maxDepth = maxDepth - 1 // text does not contain the array
	}
	s.decoder.reset(text)
	if s.decoder.object() != nil || s.decoder.add() != nil {
		return 0, false
	}
	return int(s.decoder.tokens.InputOffset()), true
}
