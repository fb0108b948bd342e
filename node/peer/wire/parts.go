package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"unsafe"

	"flowring/flow"
)

// Parts are the parts of a slice, sorted by key over all parts. An error ends them.
type Parts = iter.Seq2[*flow.Batch, error]

// sendBuffer is the minimum of bytes for one write. For fewer bytes the system call would cost more than the copy.
const sendBuffer = 128 << 10

// WriteBatches writes parts as batches.
func WriteBatches(w io.Writer, all Parts) error {
	return writeParts(w, all, AppendFrame)
}

// WriteColumns writes parts as columns.
func WriteColumns(w io.Writer, all Parts) error {
	var names *string
	return writeParts(w, all, func(dst []byte, part *flow.Batch) []byte {
		if table := unsafe.SliceData(part.Names); table != names {
			names = table
			start := len(dst)
			dst = endFrame(appendNames(beginFrame(dst), part.Names), start)
		}
		start := len(dst)
		return endFrame(appendColumns(beginFrame(dst), part), start)
	})
}

func writeParts(w io.Writer, all Parts, appendPart func([]byte, *flow.Batch) []byte) error {
	var buf []byte
	for part, err := range all {
		if err != nil {
			return err
		}
		if buf = appendPart(buf, part); len(buf) < sendBuffer {
			continue
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
		buf = buf[:0]
	}
	_, err := w.Write(AppendEnd(buf))
	return err
}

// errEnough ends the reading of frames early.
var errEnough = errors.New("enough")

// ReadBatches reads the parts that WriteBatches has written.
func ReadBatches(r io.Reader, slice flow.Slice) Parts {
	return readParts(r, slice, ReadFrames, func(frame []byte) (*flow.Batch, error) {
		part, err := flow.ParseSorted(frame)
		if err == nil && part.Slice != slice {
			err = fmt.Errorf("a part is of %s", part.Slice)
		}
		return part, err
	})
}

// ReadColumns reads the parts that WriteColumns has written.
func ReadColumns(r io.Reader, slice flow.Slice) Parts {
	part := &flow.Batch{Slice: slice}
	return readParts(r, slice, readLentFrames, func(frame []byte) (_ *flow.Batch, err error) {
		switch frame[0] {
		case kindNames:
			part.Names, err = parseNames(frame[1:])
			return nil, err
		case kindColumns:
			return part, parseColumns(frame[1:], part, len(part.Names))
		}
		return nil, fmt.Errorf("%w: kind %q", errMalformed, frame[0])
	})
}

// readParts yields the parts of the frames that read reads. parse returns nil for a frame without flows.
func readParts(
	r io.Reader, slice flow.Slice, read func(r io.Reader, room Budget, fn func(frame []byte) error) error,
	parse func(frame []byte) (*flow.Batch, error),
) Parts {
	return func(yield func(*flow.Batch, error) bool) {
		err := read(bufio.NewReaderSize(r, 64<<10), nil, func(frame []byte) error {
			part, err := parse(frame)
			if err == nil && part != nil && !yield(part, nil) {
				err = errEnough
			}
			return err
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, fmt.Errorf("flows of %s: %w", slice, err))
		}
	}
}
