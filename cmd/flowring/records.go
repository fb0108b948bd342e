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
	json  *json.Decoder
	array bool
	begun bool // the first request has been returned
	ended bool
	read  int // records so far
}

// request is what goes into one POST.
type request struct {
	body    []byte // a JSON array
	records int
}

// newRecordReader looks at the first byte of r to tell which form it has. An input without any is one without records.
func newRecordReader(r io.Reader) (*recordReader, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	first, err := firstByte(in)
	reader := &recordReader{json: json.NewDecoder(in)}
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

// firstByte returns the first byte that is not white space, and leaves it in.
func firstByte(in *bufio.Reader) (byte, error) {
	for {
		b, err := in.ReadByte()
		if err != nil {
			return 0, err
		}
		if b != ' ' && b != '\t' && b != '\r' && b != '\n' {
			return b, in.UnreadByte()
		}
	}
}

// next returns the next request of at most that many records, and io.EOF after the last one. An input without records is one
// request without records. Whatever follows the last
// record is checked before the request that holds it is returned, so an input of one request is sent whole or not at all.
func (r *recordReader) next(most int) (request, error) {
	req := request{body: []byte{'['}}
	for !r.ended && req.records < most && len(req.body) < maxRequest {
		record, err := r.record()
		if errors.Is(err, io.EOF) {
			r.ended = true
			break
		}
		if err != nil {
			return request{}, fmt.Errorf("record %d of the input: %w", r.read, err)
		}
		if req.records > 0 {
			req.body = append(req.body, ',')
		}
		req.body = append(req.body, record...)
		req.records++
		r.read++
	}
	if req.records == 0 && r.begun {
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
