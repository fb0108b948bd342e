package wire

import (
	"encoding/binary"
	"math"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/internal/encoded"
	"flowring/store/digest"
)

// The bodies of the two calls of a query. A text is a uvarint with its length, and its bytes; slices are in ascending
// order:
//
//		digests   flags(1)  for each slice: slice | flags(1) | text with the encoded digest
//		query     text with the encoded question  for each slice: slice | settled(1) | sum(16) if settled
//		head      for each slice: slice | completeness(1) | sum(16) | uvarint flows plus 1, or 0
//		          then 0 and the labels as texts
//		slice     1 | varint hour | uvarint index
//
//	  - flags: 1 the store recovers, or some of its batches of the slice cannot be read; 2 it takes the slice over
//	  - settled: the store answers with the batches of a digest with this sum, or makes a round of its own
//	  - labels: of the silent stores of the rounds
//
// The answer to a query is frames. The first byte of a frame is its kind: a head, then groups, or nothing, which is a
// sign of life. The last frame is empty.
const (
	FrameAlive  = 'a'
	FrameHead   = 'h'
	FrameGroups = 'g'
)

// SliceDigest is a store's answer about one slice of a range.
type SliceDigest struct {
	Slice      flow.Slice
	Digest     digest.Digest
	TakingOver bool // the store is a new replica of the slice, and may lack batches of the former ones
	Doubtful   bool // the store proves nothing about the slice
}

// Digests is a store's answer about the slices of a range. A slice without a line is empty.
type Digests struct {
	Doubtful bool // the store proves nothing about any slice
	Slices   []SliceDigest
}

const (
	flagDoubtful = 1 << iota
	flagTakingOver
)

func flagsOf(doubtful, takingOver bool) (flags byte) {
	if doubtful {
		flags |= flagDoubtful
	}
	if takingOver {
		flags |= flagTakingOver
	}
	return flags
}

// Append appends the encoded answer to dst.
func (d *Digests) Append(dst []byte) []byte {
	dst = append(dst, flagsOf(d.Doubtful, false))
	var text []byte
	for i := range d.Slices {
		s := &d.Slices[i]
		dst = append(appendSlice(dst, s.Slice), flagsOf(s.Doubtful, s.TakingOver))
		text = s.Digest.Append(text[:0])
		dst = append(binary.AppendUvarint(dst, uint64(len(text))), text...)
	}
	return dst
}

// ParseDigests decodes the answer about a range.
func ParseDigests(body []byte) (d Digests, err error) {
	r := newReader(body)
	d.Doubtful = r.flags(flagDoubtful)&flagDoubtful != 0
	for len(r.Left()) > 0 {
		s := SliceDigest{Slice: r.nextSlice()}
		flags := r.flags(flagDoubtful | flagTakingOver)
		s.Doubtful, s.TakingOver = flags&flagDoubtful != 0, flags&flagTakingOver != 0
		if text := r.Text(); r.Err() == nil {
			if s.Digest, err = digest.Parse(text); err != nil {
				return d, err
			}
		}
		d.Slices = append(d.Slices, s)
	}
	return d, r.Err()
}

// QuerySlice is a slice of a query, for the store that answers for the slice.
type QuerySlice struct {
	Slice   flow.Slice
	Settled bool     // the digest with this sum is judged
	Sum     [16]byte // if settled
}

// QueryCall asks a store for the groups of its slices.
type QueryCall struct {
	Spec   *query.Spec
	Slices []QuerySlice
}

// Append appends the encoded call to dst.
func (c *QueryCall) Append(dst []byte) []byte {
	spec := c.Spec.Encode()
	dst = append(binary.AppendUvarint(dst, uint64(len(spec))), spec...)
	for i := range c.Slices {
		s := &c.Slices[i]
		dst = appendSlice(dst, s.Slice)
		if !s.Settled {
			dst = append(dst, 0)
			continue
		}
		dst = append(append(dst, 1), s.Sum[:]...)
	}
	return dst
}

// ParseQueryCall decodes a call.
func ParseQueryCall(body []byte) (c QueryCall, err error) {
	r := newReader(body)
	if spec := r.Text(); r.Err() == nil {
		if c.Spec, err = query.ParseSpec(spec); err != nil {
			return c, err
		}
	}
	for len(r.Left()) > 0 {
		s := QuerySlice{Slice: r.nextSlice()}
		if s.Settled = r.flags(1) == 1; s.Settled {
			s.Sum = r.sum()
		}
		c.Slices = append(c.Slices, s)
	}
	return c, r.Err()
}

// AnsweredSlice is a slice as a store has added it up.
type AnsweredSlice struct {
	Slice        flow.Slice
	Completeness contract.Completeness // of the store's own round; Complete for a settled slice
	Sum          [16]byte              // of the digest of the batches
	Flows        int64                 // -1: not known
}

// QueryHead is the head of a store's answer to a query.
type QueryHead struct {
	Slices []AnsweredSlice
	Silent []string // labels of the silent stores
}

// Append appends the encoded head to dst.
func (h *QueryHead) Append(dst []byte) []byte {
	for i := range h.Slices {
		s := &h.Slices[i]
		dst = append(appendSlice(dst, s.Slice), byte(s.Completeness))
		dst = binary.AppendUvarint(append(dst, s.Sum[:]...), uint64(s.Flows+1))
	}
	dst = append(dst, 0)
	for _, label := range h.Silent {
		dst = append(binary.AppendUvarint(dst, uint64(len(label))), label...)
	}
	return dst
}

// ParseQueryHead decodes a head.
func ParseQueryHead(body []byte) (h QueryHead, err error) {
	r := newReader(body)
	for r.hasSlice() {
		s := AnsweredSlice{Slice: r.nextSlice(), Completeness: contract.Completeness(r.Byte(byte(contract.Complete))),
			Sum: r.sum()}
		if s.Flows = int64(r.Uvarint()) - 1; s.Flows < -1 {
			r.Fail("a head with %d flows", s.Flows)
		}
		h.Slices = append(h.Slices, s)
	}
	r.flags(0)
	for len(r.Left()) > 0 {
		h.Silent = append(h.Silent, string(r.Text()))
	}
	return h, r.Err()
}

func appendSlice(dst []byte, s flow.Slice) []byte {
	dst = binary.AppendVarint(append(dst, 1), int64(s.Hour))
	return binary.AppendUvarint(dst, uint64(s.Index))
}

// reader reads the parts of a body.
type reader struct {
	encoded.Reader
	last  flow.Slice
	begun bool
}

func newReader(body []byte) *reader { return &reader{Reader: encoded.NewReader(body)} }

// flags reads a byte of flags.
func (r *reader) flags(known byte) byte {
	flags := r.Byte(math.MaxUint8)
	if flags&^known != 0 {
		r.Fail("unknown flags %#x", flags)
	}
	return flags
}

func (r *reader) sum() (sum [16]byte) {
	copy(sum[:], r.Take(uint64(len(sum))))
	return sum
}

// hasSlice reports whether a slice follows.
func (r *reader) hasSlice() bool { return len(r.Left()) > 0 && r.Left()[0] == 1 }

// nextSlice reads a slice, which must be behind the last one.
func (r *reader) nextSlice() flow.Slice {
	if mark := r.Byte(math.MaxUint8); mark != 1 {
		r.Fail("a mark %d in place of a slice", mark)
	}
	hour, index := r.Varint(), r.Uvarint()
	s := flow.Slice{Hour: flow.Hour(hour), Index: uint32(index)}
	if index>>32 > 0 || r.begun && s.Compare(r.last) <= 0 {
		r.Fail("slice %s is out of order", s)
	}
	r.last, r.begun = s, true
	return s
}
