package output

import (
	"io"
	"sync"
)

// Lines is stderr with a line of progress, which begins with a carriage return and has no end. Every other text begins
// on a new line.
type Lines struct {
	W io.Writer

	mu   sync.Mutex
	open bool
}

// Write writes one line, or one state of the progress, as a whole.
func (l *Lines) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(text) == 0 {
		return 0, nil
	}
	progress := text[0] == '\r'
	if l.open && !progress && text[0] != '\n' {
		io.WriteString(l.W, "\n")
	}
	l.open = progress
	return l.W.Write(text)
}
