package answer

import (
	"io"

	"flowring/flow"
	"flowring/router/admission"
)

// jsonArrayWriter writes records as a JSON array. It sends pieces of bounded size, so memory does not depend on the
// size of the hour.
type jsonArrayWriter struct {
	w        io.Writer
	slots    admission.CPUSlots // the caller holds one, except while a piece is written
	appender flow.Appender
	buf      []byte
	begun    bool
	written  int64
}

// pieceSize is the size of a piece in bytes. With a fourth of it, the system calls would cost a fifth more CPU time.
const pieceSize = 256 << 10

// newJSONArrayWriter returns a writer of an array of about so many records.
func newJSONArrayWriter(w io.Writer, slots admission.CPUSlots, records int) *jsonArrayWriter {
	size := min(pieceSize+4096, 512*(1+records))
	return &jsonArrayWriter{w: w, slots: slots, buf: append(make([]byte, 0, size), '[')}
}

func (w *jsonArrayWriter) add(r flow.Record) error {
	if w.begun {
		w.buf = append(w.buf, ',')
	}
	w.begun = true
	w.buf = w.appender.Append(w.buf, r)
	return w.flushPiece()
}

// addTexts adds a record with names that are JSON strings.
func (w *jsonArrayWriter) addTexts(src, dest, vpc string, t flow.Totals, hour flow.Hour) error {
	if w.begun {
		w.buf = append(w.buf, ',')
	}
	w.begun = true
	w.buf = w.appender.AppendTexts(w.buf, src, dest, vpc, t, hour)
	return w.flushPiece()
}

func (w *jsonArrayWriter) flushPiece() error {
	if len(w.buf) < pieceSize {
		return nil
	}
	return w.flush()
}

func (w *jsonArrayWriter) end() (written int64, err error) {
	w.buf = append(w.buf, ']', '\n')
	err = w.flush()
	return w.written, err
}

func (w *jsonArrayWriter) flush() error {
	w.slots.Release()
	defer w.slots.Acquire()
	n, err := w.w.Write(w.buf)
	w.written += int64(n)
	w.buf = w.buf[:0]
	return err
}
