package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/store/digest"
)

// The bodies of the two calls of a query. A text is a uvarint with its length, and its bytes; slices are in ascending
// order:
//
//		digests   flags(1)  for each slice: slice | flags(1) | text with the encoded digest
//		query     text with the encoded question  for each slice: slice | settled(1) | sum(16) if settled
//		head      for each slice: slice | completeness(1) | sum(16) | uvarint flows plus 1, or 0  then 0 and the labels as texts
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
	var encoded []byte
	for i := range d.Slices {
		s := &d.Slices[i]
		dst = append(appendSlice(dst, s.Slice), flagsOf(s.Doubtful, s.TakingOver))
		encoded = s.Digest.Append(encoded[:0])
		dst = append(binary.AppendUvarint(dst, uint64(len(encoded))), encoded...)
	}
	return dst
}

// ParseDigests decodes the answer about a range.
func ParseDigests(body []byte) (d Digests, err error) {
	r := reader{rest: body}
	d.Doubtful = r.flags(flagDoubtful)&flagDoubtful != 0
	for r.err == nil && len(r.rest) > 0 {
		s := SliceDigest{Slice: r.nextSlice()}
		flags := r.flags(flagDoubtful | flagTakingOver)
		s.Doubtful, s.TakingOver = flags&flagDoubtful != 0, flags&flagTakingOver != 0
		if encoded := r.text(); r.err == nil {
			s.Digest, r.err = digest.Parse(encoded)
		}
		d.Slices = append(d.Slices, s)
	}
	return d, r.err
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
	r := reader{rest: body}
	if spec := r.text(); r.err == nil {
		c.Spec, r.err = query.ParseSpec(spec)
	}
	for r.err == nil && len(r.rest) > 0 {
		s := QuerySlice{Slice: r.nextSlice()}
		if s.Settled = r.flags(1) == 1; s.Settled {
			s.Sum = r.sum()
		}
		c.Slices = append(c.Slices, s)
	}
	return c, r.err
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
	r := reader{rest: body}
	for r.err == nil && r.hasSlice() {
		s := AnsweredSlice{Slice: r.nextSlice(), Completeness: contract.Completeness(r.byte()), Sum: r.sum()}
		s.Flows = int64(r.uvarint()) - 1
		if r.err == nil && (s.Completeness > contract.Complete || s.Flows < -1) {
			r.err = fmt.Errorf("a head with completeness %d and %d flows", s.Completeness, s.Flows)
		}
		h.Slices = append(h.Slices, s)
	}
	r.flags(0)
	for r.err == nil && len(r.rest) > 0 {
		h.Silent = append(h.Silent, string(r.text()))
	}
	return h, r.err
}

func appendSlice(dst []byte, s flow.Slice) []byte {
	dst = binary.AppendVarint(append(dst, 1), int64(s.Hour))
	return binary.AppendUvarint(dst, uint64(s.Index))
}

// reader reads from rest. After its first error it reads zeros.
type reader struct {
	rest  []byte
	last  flow.Slice
	begun bool
	err   error
}

func (r *reader) take(n uint64) []byte {
	if r.err == nil && n > uint64(len(r.rest)) {
		r.err = errCutShort
	}
	if r.err != nil {
		return nil
	}
	taken := r.rest[:n:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) byte() byte {
	if b := r.take(1); r.err == nil {
		return b[0]
	}
	return 0
}

// flags reads a byte of flags.
func (r *reader) flags(known byte) byte {
	flags := r.byte()
	if r.err == nil && flags&^known != 0 {
		r.err = fmt.Errorf("unknown flags %#x", flags)
	}
	return flags
}

func (r *reader) sum() (sum [16]byte) {
	copy(sum[:], r.take(uint64(len(sum))))
	return sum
}

func (r *reader) text() []byte { return r.take(r.uvarint()) }

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	return readNumber(r, v, n, len(binary.AppendUvarint(nil, v)))
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	return readNumber(r, v, n, len(binary.AppendVarint(nil, v)))
}

// readNumber takes a number of n bytes, which must be its shortest form.
func readNumber[T int64 | uint64](r *reader, v T, n, shortest int) T {
	if r.err == nil && n != shortest {
		r.err = errors.New("a number that is cut short, too large or not in its shortest form")
	}
	if r.err != nil {
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// hasSlice reports whether a slice follows.
func (r *reader) hasSlice() bool { return len(r.rest) > 0 && r.rest[0] == 1 }

// nextSlice reads a slice, which must be behind the last one.
func (r *reader) nextSlice() flow.Slice {
	if mark := r.byte(); r.err == nil && mark != 1 {
		r.err = fmt.Errorf("a mark %d in place of a slice", mark)
	}
	hour, index := r.varint(), r.uvarint()
	s := flow.Slice{Hour: flow.Hour(hour), Index: uint32(index)}
	if r.err == nil && (index>>32 > 0 || r.begun && s.Compare(r.last) <= 0) {
		r.err = fmt.Errorf("slice %s is out of order", s)
	}
	r.last, r.begun = s, true
	return s
}
