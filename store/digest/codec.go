package digest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// ErrMalformed says that bytes are not the encoding of a digest.
var ErrMalformed = errors.New("malformed digest")

// The encoding of a digest; uvarints are in their shortest form:
//
//	version (1 byte, 1) | uvarint origins
//	per origin, ascending:    origin (8, big endian) | uvarint intervals, at least 1
//	per interval, ascending:  uvarint gap | uvarint last - first
//
// The gap is first for an origin's first interval, and first - last - 2 of the one before for the others: nothing between two
// intervals would make them one. So a set has one encoding, which Sum rests on.
const version = 1

// The fewest bytes that an origin and an interval take: what bounds the memory that is allocated for a claimed number of them.
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
	low := uint64(0) // the least that the next interval may begin with
	for _, v := range s {
		dst = binary.AppendUvarint(dst, v.first-low)
		dst = binary.AppendUvarint(dst, v.last-v.first)
		low = v.last + 2
	}
	return dst
}

// Parse reads a digest that takes up all of data. It accepts only what Encode writes, keeps nothing of data and allocates
// at most some ten bytes for each byte of data, whatever the counts in it claim (P16). Its errors wrap ErrMalformed.
func Parse(data []byte) (Digest, error) {
	if len(data) == 0 || data[0] != version {
		return Digest{}, fmt.Errorf("%w: not of version %d", ErrMalformed, version)
	}
	p := parser{rest: data[1:]}
	d := p.digest()
	if p.err == nil && len(p.rest) > 0 {
		p.fail("%d bytes behind its end", len(p.rest))
	}
	if p.err != nil {
		return Digest{}, p.err
	}
	return d, nil
}

// parser reads from rest; after its first error it reads zeros.
type parser struct {
	rest []byte
	err  error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
	}
	p.rest = nil
}

func (p *parser) digest() Digest {
	n := p.count(minOriginLen)
	if n == 0 {
		return Digest{}
	}
	origins := make([]originSeqs, 0, n)
	for range n {
		origin := p.origin()
		if len(origins) > 0 && origin <= origins[len(origins)-1].origin {
			p.fail("origins are not in order")
		}
		origins = append(origins, originSeqs{origin, p.intervals()})
		if p.err != nil {
			break
		}
	}
	return Digest{origins}
}

func (p *parser) intervals() intervals {
	n := p.count(minIntervalLen)
	if n == 0 {
		p.fail("an origin without seqs")
		return nil
	}
	s, low := make(intervals, 0, n), uint64(0)
	for range n {
		if len(s) > 0 {
			low = p.sum(s[len(s)-1].last, 2)
		}
		first := p.sum(low, p.uvarint())
		s = append(s, interval{first, p.sum(first, p.uvarint())})
	}
	return s
}

// sum returns a + b, and fails where it passes 2^64-1.
func (p *parser) sum(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		p.fail("a seq over 2^64-1")
		return 0
	}
	return a + b
}

// count reads the number of things of at least size bytes each that follow.
func (p *parser) count(size int) int {
	n := p.uvarint()
	if n > uint64(len(p.rest)/size) {
		p.fail("a count of %d where %d bytes are left", n, len(p.rest))
		return 0
	}
	return int(n)
}

func (p *parser) origin() uint64 {
	if len(p.rest) < 8 {
		p.fail("ends within an origin")
		return 0
	}
	origin := binary.BigEndian.Uint64(p.rest)
	p.rest = p.rest[8:]
	return origin
}

func (p *parser) uvarint() uint64 {
	v, n := binary.Uvarint(p.rest)
	if n <= 0 || n != (bits.Len64(v|1)+6)/7 {
		p.fail("a number that is cut short, too large or not in its shortest form")
		return 0
	}
	p.rest = p.rest[n:]
	return v
}
