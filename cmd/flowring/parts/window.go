package parts

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
)

// window is the part of a text that is in memory.
type window struct {
	in    io.Reader
	bytes []byte // from the current place on
	full  []byte // the memory of bytes
	line  int    // of the current place
	hash  hash.Hash
	ended bool
	open  bool // the newest line of takeLine had no end
}

func newWindow(in io.Reader) *window { return &window{in: in, line: 1, hash: sha256.New()} }

// more reads more of the text behind the window. It returns io.EOF if there is no more.
func (w *window) more() error {
	if w.ended {
		return io.EOF
	}
	if len(w.bytes) > MaxUnit {
		return fmt.Errorf("a record of more than %d bytes; is the form right?", MaxUnit)
	}
	const least = 64 << 10
	if size := len(w.bytes) + max(least, len(w.bytes)); cap(w.full) < size {
		w.full = make([]byte, size)
	}
	w.full = w.full[:cap(w.full)]
	had := copy(w.full, w.bytes) // they may overlap
	n, err := io.ReadAtLeast(w.in, w.full[had:], least)
	w.bytes = w.full[:had+n]
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF) && n > 0 && isEnd(w.in):
		w.ended = true
		if n == 0 {
			return io.EOF
		}
	case err != nil:
		return fmt.Errorf("read the input: %w", err)
	}
	return nil
}

// isEnd reports whether an input has ended. io.ReadAtLeast gives one error for an end and for a compressed input that
// is cut short.
func isEnd(in io.Reader) bool {
	_, err := in.Read(make([]byte, 1))
	return errors.Is(err, io.EOF)
}

// take moves the current place, and returns the text that it passes.
func (w *window) take(n int) []byte {
	text := w.bytes[:n]
	w.hash.Write(text)
	w.line += bytes.Count(text, []byte("\n"))
	w.bytes = w.bytes[n:]
	return text
}

// skip passes white space, and commas if they may stand there. It returns the next byte without passing it.
func (w *window) skip(commas bool) (byte, error) {
	for {
		n := 0
		for n < len(w.bytes) && (isSpace(w.bytes[n]) || commas && w.bytes[n] == ',') {
			n++
		}
		w.take(n)
		if len(w.bytes) > 0 {
			return w.bytes[0], nil
		}
		if err := w.more(); err != nil {
			return 0, err
		}
	}
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }

// takeLine passes a line and returns it without its end. If quoted it goes on to the first line end after which the
// number of quotes is even.
func (w *window) takeLine(quoted bool) ([]byte, error) {
	for from, quotes := 0, 0; ; {
		i := bytes.IndexByte(w.bytes[from:], '\n')
		if i < 0 {
			if err := w.more(); err == nil {
				continue
			} else if !errors.Is(err, io.EOF) {
				return nil, err
			}
			if len(w.bytes) == 0 {
				return nil, io.EOF
			}
			w.open = true
			return bytes.TrimRight(w.take(len(w.bytes)), "\r"), nil
		}
		end := from + i + 1
		quotes += bytes.Count(w.bytes[from:end], []byte(`"`))
		if !quoted || quotes%2 == 0 {
			return bytes.TrimRight(w.take(end), "\r\n"), nil
		}
		from = end
	}
}
