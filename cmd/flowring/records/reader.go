package records

import (
	"bufio"
	"errors"
	"io"
)

// MaxBody is the limit for the body of a request, in bytes; a single larger record is a request of its own. It is well
// below 32 MiB, the default limit of a node.
const MaxBody = 8 << 20

// Reader cuts an input of records into requests. It keeps no more than one request in memory.
type Reader struct {
	source source
	pieces [][]byte // of the last record, not yet in a request
	line   int      // of the last record
	begun  bool     // Next has returned the first request
	ended  bool     // the source has no more records
}

// source returns record after record as a JSON object with its first line in the input, and io.EOF after the last one.
// A record is valid until the next call. An error names its line.
type source interface {
	next() (record []byte, line int, err error)
}

// Request is the content of one POST.
type Request struct {
	Body  []byte // a JSON array
	Lines []int  // first line of each record in the input, from 1
}

// Records returns the number of records.
func (r Request) Records() int { return len(r.Lines) }

// Place returns the lines on which the first and the last record begin.
func (r Request) Place() (first, last int) {
	if len(r.Lines) == 0 {
		return 0, 0
	}
	return r.Lines[0], r.Lines[len(r.Lines)-1]
}

// NewReader returns a reader. The first bytes of r tell its compression and its form. An input without a byte, or only
// of white space, is an error, because a program that failed to write records looks like that.
func NewReader(r io.Reader) (*Reader, error) {
	plain, err := PlainText(r)
	if err != nil {
		return nil, err
	}
	counter := &lineCounter{in: plain, line: 1}
	in := bufio.NewReaderSize(counter, 64<<10)
	first, skipped, err := firstByte(in)
	reader := &Reader{}
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the input is empty")
	case err != nil:
		return nil, err
	case first == '[' || first == '{':
		reader.source, err = newJSONSource(in, counter, skipped, first == '[')
	default:
		reader.source, err = newCSVSource(in, counter.at(skipped))
	}
	if err != nil {
		return nil, err
	}
	return reader, nil
}

// firstByte returns the first byte that is not white space, without consuming it, and the number of bytes before it.
func firstByte(in *bufio.Reader) (first byte, skipped int64, err error) {
	for ; ; skipped++ {
		b, err := in.ReadByte()
		if err != nil {
			return 0, skipped, err
		}
		if !isSpace(b) {
			return b, skipped, in.UnreadByte()
		}
	}
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }

// Next returns the next request of at most most records, and io.EOF after the last request. An input without records is
// one request without records. Next checks the input after the last record before it returns the last request, so an
// input of one request is sent as a whole or not at all.
func (r *Reader) Next(most int) (Request, error) {
	req := Request{Body: []byte{'['}}
	for !r.ended && req.Records() < most && len(req.Body) < MaxBody {
		record, err := r.record()
		if errors.Is(err, io.EOF) {
			r.ended = true
			break
		}
		if err != nil {
			return Request{}, err
		}
		if req.Records() > 0 {
			req.Body = append(req.Body, ',')
		}
		req.Body = append(req.Body, record...)
		req.Lines = append(req.Lines, r.line)
	}
	if req.Records() == 0 && r.begun {
		return Request{}, io.EOF
	}
	r.begun = true
	req.Body = append(req.Body, ']')
	return req, nil
}

// record returns the next record, or the next piece of a record with too large sums.
func (r *Reader) record() ([]byte, error) {
	if len(r.pieces) == 0 {
		record, line, err := r.source.next()
		if err != nil {
			return nil, err
		}
		r.pieces, r.line = pieces(record), line
	}
	record := r.pieces[0]
	r.pieces = r.pieces[1:]
	return record, nil
}

// lineCounter copies an input and knows the lines of the last reads.
type lineCounter struct {
	in   io.Reader
	read int64   // bytes so far
	ends []int64 // offsets of line ends after the last call of at
	line int     // line at the last call of at
}

func (c *lineCounter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	for i, b := range p[:n] {
		if b == '\n' {
			c.ends = append(c.ends, c.read+int64(i))
		}
	}
	c.read += int64(n)
	return n, err
}

// at returns the line of the byte at an offset. Offsets must not decrease from call to call.
func (c *lineCounter) at(offset int64) int {
	passed := 0
	for passed < len(c.ends) && c.ends[passed] < offset {
		passed++
	}
	c.ends = c.ends[passed:]
	c.line += passed
	return c.line
}
