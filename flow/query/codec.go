package query

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"flowring/flow"
)

// ErrMalformed is the error of bytes other than the encoding of a question.
var ErrMalformed = errors.New("malformed query")

// The encoding of a question between nodes. A text is a uvarint with its length, and its bytes; a list is a uvarint
// with its length, and its texts:
//
//	version (1 byte, 1) | varint From | varint To
//	for Src, Dest, VPC and App:   list of Include | list of Exclude
//	Group (1) | uvarint MinBytes | uvarint Top | By (1) | Series plus 1, or 0 without one (1)
//	Sort: By (1) | Field (1) | Measure (1) | Descending (1)
//	uvarint Limit | 0, or 1 and After: varint Time, texts Src, Dest, VPC
//
// A question has one encoding, so its hash names it.
const specVersion = 1

// Encode returns the encoding of the question.
func (s *Spec) Encode() []byte {
	dst := []byte{specVersion}
	dst = binary.AppendVarint(dst, int64(s.From))
	dst = binary.AppendVarint(dst, int64(s.To))
	for _, f := range s.Filters.each() {
		dst = appendPatterns(appendPatterns(dst, f.Include), f.Exclude)
	}
	dst = append(dst, byte(s.Group))
	dst = binary.AppendUvarint(dst, uint64(s.MinBytes))
	dst = binary.AppendUvarint(dst, uint64(s.Top))
	dst = append(dst, byte(s.By), s.seriesByte())
	dst = append(dst, byte(s.Sort.By), byte(s.Sort.Field), byte(s.Sort.Measure), byteOf(s.Sort.Descending))
	dst = binary.AppendUvarint(dst, uint64(s.Limit))
	if s.After == nil {
		return append(dst, 0)
	}
	dst = binary.AppendVarint(append(dst, 1), s.After.Time)
	for _, text := range []string{s.After.Src, s.After.Dest, s.After.VPC} {
		dst = appendText(dst, text)
	}
	return dst
}

// Hash returns a hash of the encoding. For a hash of other parts of the question the caller clears the parts in a copy.
func (s *Spec) Hash() (hash [16]byte) {
	sum := sha256.Sum256(s.Encode())
	copy(hash[:], sum[:])
	return hash
}

func (f *Filters) each() [4]*Filter { return [...]*Filter{&f.Src, &f.Dest, &f.VPC, &f.App} }

func (s *Spec) seriesByte() byte {
	if s.HasSeries {
		return byte(s.Series) + 1
	}
	return 0
}

func byteOf(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func appendText(dst []byte, text string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

func appendPatterns(dst []byte, patterns []Pattern) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(patterns)))
	for _, p := range patterns {
		dst = appendText(dst, p.text)
	}
	return dst
}

// ParseSpec reads a valid question from all of data. It accepts only the output of Encode, and its memory is
// proportional to the length of data (P16). An error of an encoding wraps ErrMalformed.
func ParseSpec(data []byte) (*Spec, error) {
	if len(data) == 0 || data[0] != specVersion {
		return nil, fmt.Errorf("%w: not of version %d", ErrMalformed, specVersion)
	}
	p := specParser{rest: data[1:]}
	s := p.spec()
	if p.failed || len(p.rest) > 0 || !bytes.Equal(s.Encode(), data) {
		return nil, fmt.Errorf("%w: %d bytes", ErrMalformed, len(data))
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return s, nil
}

// specParser reads from rest. After its first fault it reads zeros.
type specParser struct {
	rest   []byte
	failed bool
}

func (p *specParser) spec() *Spec {
	s := &Spec{From: flow.Hour(p.varint()), To: flow.Hour(p.varint())}
	for _, f := range s.Filters.each() {
		f.Include, f.Exclude = p.patterns(), p.patterns()
	}
	s.Group = Fields(p.byte(1<<fieldCount - 1))
	s.MinBytes, s.Top = int64(p.uvarint()), int(p.uvarint())
	s.By = Measure(p.byte(byte(measureCount) - 1))
	if series := p.byte(byte(fieldCount)); series > 0 {
		s.Series, s.HasSeries = Field(series-1), true
	}
	s.Sort.By = SortBy(p.byte(byte(SortByMeasure)))
	s.Sort.Field = Field(p.byte(byte(fieldCount) - 1))
	s.Sort.Measure = Measure(p.byte(byte(measureCount) - 1))
	s.Sort.Descending = p.byte(1) == 1
	s.Limit = int(p.uvarint())
	if p.byte(1) == 1 {
		s.After = &Key{Time: p.varint(), Src: p.text(), Dest: p.text(), VPC: p.text()}
	}
	return s
}

func (p *specParser) fail() {
	p.failed, p.rest = true, nil
}

// byte reads a byte of at most the given value.
func (p *specParser) byte(most byte) byte {
	if len(p.rest) == 0 || p.rest[0] > most {
		p.fail()
		return 0
	}
	b := p.rest[0]
	p.rest = p.rest[1:]
	return b
}

func (p *specParser) uvarint() uint64 {
	v, n := binary.Uvarint(p.rest)
	if n <= 0 {
		p.fail()
		return 0
	}
	p.rest = p.rest[n:]
	return v
}

func (p *specParser) varint() int64 {
	v, n := binary.Varint(p.rest)
	if n <= 0 {
		p.fail()
		return 0
	}
	p.rest = p.rest[n:]
	return v
}

// length reads a length of at most the number of bytes that are left.
func (p *specParser) length() int {
	n := p.uvarint()
	if n > uint64(len(p.rest)) {
		p.fail()
		return 0
	}
	return int(n)
}

func (p *specParser) text() string {
	n := p.length()
	text := string(p.rest[:n])
	p.rest = p.rest[n:]
	return text
}

func (p *specParser) patterns() (all []Pattern) {
	for n := p.length(); n > 0 && !p.failed; n-- {
		all = append(all, ParsePattern(p.text()))
	}
	return all
}
