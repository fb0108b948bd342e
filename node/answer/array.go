package answer

import (
	"io"

	"flowring/flow"
	"flowring/router/admission"
)

// array writes records as a JSON array, in pieces that bound memory whatever the size of the hour.
type array struct {
	w        io.Writer
	slots    admission.CPUSlots // the caller holds one, except while a piece is written
	appender flow.Appender
	buf      []byte
	begun    bool
	written  int64
}

// piece is how many bytes of an answer are sent at a time: a fourth of it would cost a fifth more CPU, for the calls of the kernel.
const piece = 256 << 10

// newArray returns an array of about so many records.
func newArray(w io.Writer, slots admission.CPUSlots, records int) *array {
	return &array{w: w, slots: slots, buf: append(make([]byte, 0, min(piece+4096, 512*(1+records))), '[')}
}

func (a *array) add(r flow.Record) error {
	if a.begun {
		a.buf = append(a.buf, ',')
	}
	a.begun = true
	a.buf = a.appender.Append(a.buf, r)
	if len(a.buf) < piece {
		return nil
	}
	return a.flush()
}

func (a *array) end() (written int64, err error) {
	a.buf = append(a.buf, ']', '\n')
	err = a.flush()
	return a.written, err
}

func (a *array) flush() error {
	a.slots.Release()
	defer a.slots.Acquire()
	n, err := a.w.Write(a.buf)
	a.written += int64(n)
	a.buf = a.buf[:0]
	return err
}
