package query

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"flowring/flow"
	"flowring/internal/encoded"
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
	r := encoded.NewReader(data)
	r.Version(specVersion)
	s := readSpec(&r)
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if !bytes.Equal(s.Encode(), data) {
		return nil, fmt.Errorf("%w: not in its only form", ErrMalformed)
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return s, nil
}

func readSpec(r *encoded.Reader) *Spec {
	s := &Spec{From: flow.Hour(r.Varint()), To: flow.Hour(r.Varint())}
	for _, f := range s.Filters.each() {
		f.Include, f.Exclude = readPatterns(r), readPatterns(r)
	}
	s.Group = Fields(r.Byte(1<<fieldCount - 1))
	s.MinBytes, s.Top = int64(r.Uvarint()), int(r.Uvarint())
	s.By = Measure(r.Byte(byte(measureCount) - 1))
	if series := r.Byte(byte(fieldCount)); series > 0 {
		s.Series, s.HasSeries = Field(series-1), true
	}
	s.Sort.By = SortBy(r.Byte(byte(SortByMeasure)))
	s.Sort.Field = Field(r.Byte(byte(fieldCount) - 1))
	s.Sort.Measure = Measure(r.Byte(byte(measureCount) - 1))
	s.Sort.Descending = r.Byte(1) == 1
	s.Limit = int(r.Uvarint())
	if r.Byte(1) == 1 {
		s.After = &Key{Time: r.Varint(), Src: string(r.Text()), Dest: string(r.Text()), VPC: string(r.Text())}
	}
	return s
}

func readPatterns(r *encoded.Reader) (all []Pattern) {
	for n := r.Count(1); n > 0 && r.Err() == nil; n-- {
		all = append(all, ParsePattern(string(r.Text())))
	}
	return all
}
