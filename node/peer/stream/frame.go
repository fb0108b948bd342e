package stream

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// A frame is a head of 13 bytes and a body. Numbers are big endian:
//
//	frame     size(4) kind(1) call(8) body    size is the length of the body
//	call      the caller of this package chooses kind and body
//	answer    kind 5; call is the number of the call in its stream
//	farewell  kind 6, call 0, no body
//
// After a farewell the server begins no call of the stream any more.

// Kind is the kind of a frame. Every kind except kindAnswer and kindFarewell may be a call.
type Kind byte

const (
	kindAnswer   Kind = 5
	kindFarewell Kind = 6
)

const (
	headSize  = 13      // bytes
	maxAnswer = 1 << 20 // bytes of the body of an answer
)

// head is the head of a frame.
type head struct {
	kind Kind
	call uint64
	size int // of the body
}

func (h head) String() string { return fmt.Sprintf("frame of kind %d and %d bytes", h.kind, h.size) }

func appendHead(dst []byte, h head) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(h.size))
	return binary.BigEndian.AppendUint64(append(dst, byte(h.kind)), h.call)
}

// readHead reads the head of a frame. It fails with io.EOF if the stream ends between two frames.
func readHead(in *bufio.Reader) (head, error) {
	data, err := in.Peek(headSize)
	if err != nil {
		if len(data) > 0 {
			err = unexpectedEOF(err)
		}
		return head{}, err
	}
	h := head{Kind(data[4]), binary.BigEndian.Uint64(data[5:]), int(binary.BigEndian.Uint32(data))}
	_, err = in.Discard(headSize)
	return h, err
}

// readBody reads the body of a frame, into buf if it fits.
func readBody(in *bufio.Reader, size int, buf []byte) ([]byte, error) {
	if size > max(cap(buf), in.Size()) {
		return ReadN(in, size)
	}
	buf = slices.Grow(buf[:0], size)[:size]
	_, err := io.ReadFull(in, buf)
	return buf, unexpectedEOF(err)
}

// ReadN reads n bytes. The buffer grows only as bytes arrive, because a false length must cost no memory. The error is
// io.ErrUnexpectedEOF if the input ends early.
func ReadN(r io.Reader, n int) ([]byte, error) {
	const step = 1 << 20
	buf := make([]byte, 0, min(n, step))
	for len(buf) < n {
		part := min(n-len(buf), step)
		start := len(buf)
		buf = append(buf, make([]byte, part)...)
		if _, err := io.ReadFull(r, buf[start:]); err != nil {
			return nil, unexpectedEOF(err)
		}
	}
	return buf, nil
}

func unexpectedEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
