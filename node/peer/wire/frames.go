package wire

import (
	"encoding/binary"
	"fmt"
	"io"

	"flowring/flow"
	"flowring/node/peer/stream"
)

// MaxBatch bounds one encoded batch, in bytes. The default limit of a request body is smaller. The bound is fixed,
// because every node must accept the batches of every other one.
const MaxBatch = 256 << 20

const lengthSize = 4 // bytes of the length of a frame

// WriteFrame writes a batch behind its length.
func WriteFrame(w io.Writer, batch []byte) error {
	var length [lengthSize]byte
	binary.BigEndian.PutUint32(length[:], uint32(len(batch)))
	if _, err := w.Write(length[:]); err != nil {
		return err
	}
	_, err := w.Write(batch)
	return err
}

// AppendFrame appends the frame of a batch to dst.
func AppendFrame(dst []byte, b *flow.Batch) []byte {
	start := len(dst)
	return endFrame(b.Append(beginFrame(dst)), start)
}

// beginFrame appends room for the length of a frame, and endFrame sets it.
func beginFrame(dst []byte) []byte { return append(dst, make([]byte, lengthSize)...) }

func endFrame(dst []byte, start int) []byte {
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-lengthSize))
	return dst
}

// AppendEnd appends the last frame of an HTTP body.
func AppendEnd(dst []byte) []byte { return append(dst, make([]byte, lengthSize)...) }

// A client reads frames of more than smallFrame bytes only while their sum is at most MaxFrames. A larger frame is
// read alone.
const (
	MaxFrames  = 64 << 20
	smallFrame = 64 << 10
)

// Budget waits until there is room for a frame of n bytes; release returns the room. A nil Budget has no limit.
type Budget func(n int) (release func(), err error)

// ReadFrames calls fn with each batch of an HTTP body. fn may keep the slice. Without the frame of length 0 the body
// was cut short, and the batches before the cut are whole.
func ReadFrames(r io.Reader, room Budget, fn func(batch []byte) error) error {
	for {
		n, err := readLength(r, MaxBatch)
		if err != nil || n == 0 {
			return err
		}
		if err := readFrame(r, n, room, fn); err != nil {
			return err
		}
	}
}

// readLentFrames is like ReadFrames, but fn must not keep the slice.
func readLentFrames(r io.Reader, _ Budget, fn func(frame []byte) error) error {
	var buf []byte
	for {
		n, err := readLength(r, MaxBatch)
		switch {
		case err != nil || n == 0:
			return err
		case n > lentFrame: // its memory grows with its bytes, because its length may be wrong
			err = readFrame(r, n, nil, fn)
		default:
			buf = grown(buf, n)
			if _, err = io.ReadFull(r, buf); err != nil {
				return fmt.Errorf("frame of %d bytes: %w", n, unexpectedEOF(err))
			}
			err = fn(buf)
		}
		if err != nil {
			return err
		}
	}
}

// lentFrame is the size of the largest frame that shares its memory with others.
const lentFrame = 1 << 20

func unexpectedEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// ReadFrame returns the next frame of at most so many bytes. It is nil at the end of the body.
func ReadFrame(r io.Reader, most int) (frame []byte, err error) {
	n, err := readLength(r, most)
	if err != nil || n == 0 {
		return nil, err
	}
	err = readFrame(r, n, nil, func(data []byte) error { frame = data; return nil })
	return frame, err
}

// readLength returns the length of the next frame.
func readLength(r io.Reader, most int) (int, error) {
	var length [lengthSize]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return 0, fmt.Errorf("frame: %w", unexpectedEOF(err))
	}
	n := binary.BigEndian.Uint32(length[:])
	if uint64(n) > uint64(most) {
		return 0, fmt.Errorf("frame of %d bytes, at most %d", n, most)
	}
	return int(n), nil
}

// readFrame calls fn with a frame of n bytes.
func readFrame(r io.Reader, n int, room Budget, fn func(batch []byte) error) error {
	if room != nil && n > smallFrame {
		release, err := room(n)
		if err != nil {
			return err
		}
		defer release()
	}
	batch, err := stream.ReadN(r, n)
	if err != nil {
		return fmt.Errorf("frame of %d bytes: %w", n, err)
	}
	return fn(batch)
}
