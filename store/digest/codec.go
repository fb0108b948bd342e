package digest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"flowring/internal/encoded"
)

// ErrMalformed is the error of bytes other than the encoding of a digest.
var ErrMalformed = errors.New("malformed digest")

// The encoding of a digest; uvarints are in their shortest form:
//
//	version (1 byte, 1) | uvarint origins
//	per origin, ascending:    origin (8, big endian) | uvarint intervals, at least 1
//	per interval, ascending:  uvarint gap | uvarint last - first
//
// The gap of the first interval of an origin is first. The gap of any other interval is first - last - 2, with last
// of the interval before it, because adjacent intervals are merged. A set therefore has one encoding. Sum relies on
// this.
const version = 1

// The smallest encodings of an origin and of an interval, in bytes. They limit the memory allocated for a claimed
// count.
const (
	minOriginLen   = 8 + 1 + minIntervalLen
	minIntervalLen = 2
)

// Encode returns the encoding of the set. Equal sets have equal encodings.
func (d Digest) Encode() []byte { return d.Append(nil) }

// Append appends the encoding of the set to dst.
func (d Digest) Append(dst []byte) []byte {
	dst = append(dst, version)
	dst = binary.AppendUvarint(dst, uint64(len(d.origins)))
	for _, o := range d.origins {
		dst = binary.BigEndian.AppendUint64(dst, o.origin)
		dst = o.seqs.append(dst)
	}
	return dst
}

func (s intervals) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	low := uint64(0) // smallest possible first seq of the next interval
	for _, v := range s {
		dst = binary.AppendUvarint(dst, v.first-low)
		dst = binary.AppendUvarint(dst, v.last-v.first)
		low = v.last + 2
	}
	return dst
}

// Parse reads a digest from all of data. It accepts only the output of Encode, retains nothing of data and allocates
// at most about ten bytes for each byte of data, for any claimed counts (P16). Its errors wrap ErrMalformed.
func Parse(data []byte) (Digest, error) {
	p := parser{encoded.NewReader(data)}
	p.Version(version)
	d := p.digest()
	if err := p.End(); err != nil {
		return Digest{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return d, nil
}

// parser reads the parts of a digest.
type parser struct{ encoded.Reader }

func (p *parser) digest() Digest {
	n := p.Count(minOriginLen)
	if n == 0 {
		return Digest{}
	}
	origins := make([]originSeqs, 0, n)
	for range n {
		origin := p.origin()
		if len(origins) > 0 && origin <= origins[len(origins)-1].origin {
			p.Fail("origins are not in order")
		}
		origins = append(origins, originSeqs{origin, p.intervals()})
		if p.Err() != nil {
			break
		}
	}
	return Digest{origins}
}

func (p *parser) intervals() intervals {
	n := p.Count(minIntervalLen)
	if n == 0 {
		p.Fail("an origin without seqs")
		return nil
	}
	s, low := make(intervals, 0, n), uint64(0)
	for range n {
		if len(s) > 0 {
			low = p.sum(s[len(s)-1].last, 2)
		}
		first := p.sum(low, p.Uvarint())
		s = append(s, interval{first, p.sum(first, p.Uvarint())})
	}
	return s
}

// sum returns a + b, and fails if it exceeds 2^64-1.
func (p *parser) sum(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		p.Fail("a seq over 2^64-1")
		return 0
	}
	return a + b
}

func (p *parser) origin() uint64 {
	if origin := p.Take(8); p.Err() == nil {
		return binary.BigEndian.Uint64(origin)
	}
	return 0
}
