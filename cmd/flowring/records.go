package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxRequest bounds the body of a request, in bytes, but for one record that is larger by itself: well below the 32 MiB that a
// node accepts unless told otherwise.
const maxRequest = 8 << 20

// recordReader cuts a stream of records, a JSON array or one object after the other (NDJSON), into requests. It keeps no more
// than one request in memory and passes the bytes of each record on as they are: what is right and wrong about them is for the
// node to say, in the same words for every client.
type recordReader struct {
	json    *json.Decoder
	lines   *lineCounter
	skipped int64 // bytes before those that the decoder is given
	array   bool
	begun   bool // the first request has been returned
	ended   bool
}

// request is what goes into one POST.
type request struct {
	body  []byte // a JSON array
	lines []int  // of each record: the line of the input on which it begins, from 1
}

// records returns how many there are.
func (r request) records() int { return len(r.lines) }

// place returns the lines on which the first and the last record begin.
func (r request) place() (first, last int) {
	if len(r.lines) == 0 {
		return 0, 0
	}
	return r.lines[0], r.lines[len(r.lines)-1]
}

// newRecordReader looks at the first byte of r to tell which form it has. An input without any is one without records.
func newRecordReader(r io.Reader) (*recordReader, error) {
	counter := &lineCounter{in: r, line: 1}
	in := bufio.NewReaderSize(counter, 64<<10)
	first, skipped, err := firstByte(in)
	reader := &recordReader{json: json.NewDecoder(in), lines: counter, skipped: skipped}
	switch {
	case errors.Is(err, io.EOF):
		reader.ended = true
	case err != nil:
		return nil, err
	case first == '[':
		reader.array = true
		_, err = reader.json.Token()
		return reader, err
	case first != '{':
		return nil, errors.New("want a JSON array of records, or one JSON record per line")
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

// next returns the next request of at most that many records, and io.EOF after the last one. An input without records is one
// request without records. Whatever follows the last
// record is checked before the request that holds it is returned, so an input of one request is sent whole or not at all.
func (r *recordReader) next(most int) (request, error) {
	req := request{body: []byte{'['}}
	for !r.ended && req.records() < most && len(req.body) < maxRequest {
		record, err := r.record()
		if errors.Is(err, io.EOF) {
			r.ended = true
			break
		}
		if err != nil {
			return request{}, fmt.Errorf("line %d: %w", r.line(), err)
		}
		if req.records() > 0 {
			req.body = append(req.body, ',')
		}
		req.body = append(req.body, record...)
		req.lines = append(req.lines, r.lines.at(r.skipped+r.json.InputOffset()-int64(len(record))))
	}
	if req.records() == 0 && r.begun {
		return request{}, io.EOF
	}
	r.begun = true
	req.body = append(req.body, ']')
	return req, nil
}

// record returns the next record, or io.EOF when the input ends where it may.
func (r *recordReader) record() (json.RawMessage, error) {
	if r.array && !r.json.More() {
		return nil, r.end()
	}
	var record json.RawMessage
	err := r.json.Decode(&record)
	if r.array {
		err = cutShort(err) // without the bracket
	}
	return record, err
}

// end reads the closing bracket of the array, and makes sure that nothing follows.
func (r *recordReader) end() error {
	if _, err := r.json.Token(); err != nil {
		return cutShort(err)
	}
	if _, err := r.json.Token(); errors.Is(err, io.EOF) {
		return io.EOF
	}
	return errors.New("the array has ended, but the input has not")
}

// line returns the line of the next thing in the input, behind white space and a comma.
func (r *recordReader) line() int {
	offset := r.skipped + r.json.InputOffset()
	for rest := bufio.NewReader(r.json.Buffered()); ; offset++ {
		if b, err := rest.ReadByte(); err != nil || !isSpace(b) && b != ',' {
			return r.lines.at(offset)
		}
	}
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
