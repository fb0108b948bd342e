package wire

import (
	"encoding/binary"
	"fmt"
	"io"

	"flowring/flow"
	"flowring/node/peer/stream"
)

// MaxBatch bounds one encoded batch, in bytes. The default limit of a request's body is smaller. Every node must
// accept the batches of every other one, so that the bound is fixed.
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
	dst = b.Append(append(dst, make([]byte, lengthSize)...))
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-lengthSize))
	return dst
}

// AppendEnd appends the frame that ends the frames of an HTTP body.
func AppendEnd(dst []byte) []byte { return append(dst, make([]byte, lengthSize)...) }

// Frames of more than smallFrame bytes that a client reads at the same time have MaxFrames bytes in all; a larger one
// is alone.
const (
	MaxFrames  = 64 << 20
	smallFrame = 64 << 10
)

// Budget waits until there is room for a frame of n bytes, of which release gives it back. nil: there always is.
type Budget func(n int) (release func(), err error)

// ReadFrames calls fn with each batch of a stream; the slice is fn's to keep. A frame of length 0 ends the stream:
// without it the stream was cut short, and what came before it is still whole.
func ReadFrames(r io.Reader, room Budget, fn func(batch []byte) error) error {
	for {
		var length [lengthSize]byte
		if _, err := io.ReadFull(r, length[:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("frame: %w", err)
		}
		n := binary.BigEndian.Uint32(length[:])
		switch {
		case n == 0:
			return nil
		case n > MaxBatch:
			return fmt.Errorf("frame of %d bytes, at most %d", n, MaxBatch)
		}
		if err := readFrame(r, int(n), room, fn); err != nil {
			return err
		}
	}
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
