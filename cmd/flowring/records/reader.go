package records

import (
	"bufio"
	"errors"
	"io"
)

// MaxBody bounds the body of a request, in bytes, but for one record that is larger by itself: well below the 32 MiB that a
// node accepts unless told otherwise.
const MaxBody = 8 << 20

// Reader cuts an input of records into requests. It keeps no more than one request in memory.
type Reader struct {
	source source
	pieces [][]byte // of the last record, still to be sent
	line   int      // of that record
	begun  bool     // the first request has been returned
	ended  bool     // the source has
}

// source yields records as JSON objects, each with the line of the input on which it begins, and io.EOF after the last. What it returns
// is valid until the next call. An error names the line that it is about.
type source interface {
	next() (record []byte, line int, err error)
}

// Request is what goes into one POST.
type Request struct {
	Body  []byte // a JSON array
	Lines []int  // of each record: the line of the input on which it begins, from 1
}

// Records returns how many there are.
func (r Request) Records() int { return len(r.Lines) }

// Place returns the lines on which the first and the last record begin.
func (r Request) Place() (first, last int) {
	if len(r.Lines) == 0 {
		return 0, 0
	}
	return r.Lines[0], r.Lines[len(r.Lines)-1]
}

// NewReader looks at the first bytes of r to tell how it is compressed and which form it has. An input without any is one
// without records.
func NewReader(r io.Reader) (*Reader, error) {
	plain, err := plainText(r)
	if err != nil {
		return nil, err
	}
	counter := &lineCounter{in: plain, line: 1}
	in := bufio.NewReaderSize(counter, 64<<10)
	first, skipped, err := firstByte(in)
	reader := &Reader{}
	switch {
	case errors.Is(err, io.EOF):
		return &Reader{ended: true}, nil
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

// firstByte returns the first byte that is not white space, and leaves it in; and how many bytes it skipped.
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

// Next returns the next request of at most that many records, and io.EOF after the last one. An input without records is one
// request without records. Whatever follows the last
// record is checked before the request that holds it is returned, so an input of one request is sent whole or not at all.
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

// record returns the next record, or the next piece of one with larger sums than a record may have.
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

// lineCounter passes an input on and knows the lines of what was read lately.
type lineCounter struct {
	in   io.Reader
	read int64   // bytes so far
	ends []int64 // offsets of the ends of lines that at has not passed yet
	line int     // of what follows the ends that at has passed
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

// at returns the line of the byte at an offset, which must not be before that of an earlier call.
func (c *lineCounter) at(offset int64) int {
	passed := 0
	for passed < len(c.ends) && c.ends[passed] < offset {
		passed++
	}
	c.ends = c.ends[passed:]
	c.line += passed
	return c.line
}
