package flow

// Decode is Decoder.Decode, for callers who decode but once.
func Decode(body []byte) (*Posting, error) { return new(Decoder).Decode(body) }

// Decoder parses the bodies of POSTs. It keeps the memory that it works with, so that decoding allocates hardly more than what it
// returns. The zero value is ready to use, by one goroutine at a time.
type Decoder struct {
	Leniency
	scanner scanner
	builder builder
}

// Leniency says what is taken beyond the contract of requests.
type Leniency struct {
	AnyHour bool // hours that look like a time of another unit, such as seconds since 1970
	AnySum  bool // numbers of bytes over MaxBytes, which the totals of answers may be
}

// Decode parses the body of a POST, a JSON array of records or one record after the other, and adds the records up. It is as strict as
// the contract: the whole body is refused, with a *RecordError, for the first thing in it that is not right; or with an error that wraps
// ErrOverflow when the records of a flow sum up to more than 2^63-1 bytes. It keeps nothing of body and does not change it.
func (d *Decoder) Decode(body []byte) (*Posting, error) {
	form := formOf(body)
	if form == noForm {
		return decodeStrictly(body, d.Leniency)
	}
	d.builder.Leniency = d.Leniency
	d.builder.reset(len(body) / likelyRecord)
	d.scanner.reset(body, &d.builder)
	var p *Posting
	if form == array && d.scanner.array() || form == sequence && d.scanner.sequence() {
		p = d.builder.posting()
	}
	d.scanner.reset(nil, nil)
	if len(body) > maxKept {
		d.builder = builder{} // what this has needed is more than most will
	}
	if p == nil {
		return decodeStrictly(body, d.Leniency)
	}
	return p, nil
}

// form is how the records of a JSON body stand together. The first byte that is no white space tells.
type form int

const (
	noForm   form = iota
	array         // between brackets, with commas between the records
	sequence      // one after the other, with white space between the records or without
)

func formOf(body []byte) form {
	for _, c := range body {
		switch {
		case c == '[':
			return array
		case c == '{':
			return sequence
		case !isSpace(c):
			return noForm
		}
	}
	return noForm
}

// likelyRecord is how many bytes a record is likely to have. It decides about nothing but how much room is made at first.
const likelyRecord = 100

// maxKept is how large a body may be for a decoder to keep the memory that it took.
const maxKept = 512 << 10
