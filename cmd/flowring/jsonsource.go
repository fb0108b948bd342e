package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// jsonSource reads records from a JSON array, or one object after the other (NDJSON). It passes the bytes of each record on as they are:
// what is right and wrong about them is for the node to say, in the same words for every client.
type jsonSource struct {
	json    *json.Decoder
	lines   *lineCounter
	skipped int64 // bytes before those that the decoder is given
	array   bool
}

func newJSONSource(in io.Reader, lines *lineCounter, skipped int64, array bool) (*jsonSource, error) {
	s := &jsonSource{json: json.NewDecoder(in), lines: lines, skipped: skipped, array: array}
	if array {
		if _, err := s.json.Token(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// next implements source.
func (s *jsonSource) next() (record []byte, line int, err error) {
	record, err = s.record()
	if errors.Is(err, io.EOF) {
		return nil, 0, io.EOF
	}
	if err != nil {
		return nil, 0, fmt.Errorf("line %d: %w", s.line(), err)
	}
	return record, s.lines.at(s.skipped + s.json.InputOffset() - int64(len(record))), nil
}

// record returns the next record, or io.EOF when the input ends where it may.
func (s *jsonSource) record() (json.RawMessage, error) {
	if s.array && !s.json.More() {
		return nil, s.end()
	}
	var record json.RawMessage
	err := s.json.Decode(&record)
	if s.array {
		err = cutShort(err) // without the bracket
	}
	return record, err
}

// end reads the closing bracket of the array, and makes sure that nothing follows.
func (s *jsonSource) end() error {
	if _, err := s.json.Token(); err != nil {
		return cutShort(err)
	}
	_, err := s.json.Token()
	var syntax *json.SyntaxError
	if err == nil || errors.As(err, &syntax) {
		return errors.New("the array has ended, but the input has not")
	}
	return err
}

// line returns the line of the next thing in the input, behind white space and a comma.
func (s *jsonSource) line() int {
	offset := s.skipped + s.json.InputOffset()
	for rest := bufio.NewReader(s.json.Buffered()); ; offset++ {
		if b, err := rest.ReadByte(); err != nil || !isSpace(b) && b != ',' {
			return s.lines.at(offset)
		}
	}
}
