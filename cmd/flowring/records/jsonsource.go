package records

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonSource reads records from a JSON array, or one object after the other (NDJSON). It hands on the bytes of each
// record unchanged, because the node alone judges records, in the same words for every client.
type jsonSource struct {
	json    *jsontext.Decoder
	lines   *lineCounter
	skipped int64 // bytes before the input of the decoder
	array   bool
}

func newJSONSource(in io.Reader, lines *lineCounter, skipped int64, array bool) (*jsonSource, error) {
	decoder := jsontext.NewDecoder(in, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	s := &jsonSource{json: decoder, lines: lines, skipped: skipped, array: array}
	if array {
		if _, err := s.json.ReadToken(); err != nil {
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

// record returns the next record, or io.EOF where the input may end.
func (s *jsonSource) record() ([]byte, error) {
	if s.array && s.json.PeekKind() == ']' {
		return nil, s.end()
	}
	record, err := s.json.ReadValue()
	if s.array || !errors.Is(err, io.EOF) { // an array ends with its bracket
		err = reason(err)
	}
	return bytes.Clone(record), err
}

// end reads the closing bracket of the array, and makes sure that nothing follows.
func (s *jsonSource) end() error {
	if _, err := s.json.ReadToken(); err != nil {
		return err
	}
	_, err := s.json.ReadToken()
	var syntax *jsontext.SyntacticError
	if err == nil || errors.As(err, &syntax) {
		return errors.New("the array has ended, but the input has not")
	}
	return err
}

// line returns the line of the next part of the input, after white space and a comma.
func (s *jsonSource) line() int {
	offset := s.skipped + s.json.InputOffset()
	for _, b := range s.json.UnreadBuffer() {
		if !isSpace(b) && b != ',' {
			break
		}
		offset++
	}
	return s.lines.at(offset)
}
