package ask

import (
	"fmt"
	"io"
	"time"

	"flowring/cmd/flowring/table"
	"flowring/flow/query"
)

// The times of the progress: when it begins, and how often it changes.
const (
	progressAfter = time.Second
	progressEvery = 200 * time.Millisecond
)

// progress is a reader that shows on a terminal how much of an answer it has read. The end of the answer removes the
// line.
type progress struct {
	io.Reader
	terminal io.Writer // nil: show nothing
	next     time.Time // of the next line
	read     uint64
	shown    bool
}

func newProgress(r io.Reader, terminal io.Writer) *progress {
	return &progress{Reader: r, terminal: terminal, next: time.Now().Add(progressAfter)}
}

// Read implements io.Reader.
func (p *progress) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	p.read += uint64(n)
	if p.terminal != nil && time.Now().After(p.next) {
		p.next, p.shown = time.Now().Add(progressEvery), true
		fmt.Fprintf(p.terminal, "\r%s read \x1b[K", table.Human(query.Sum{Low: p.read}))
	}
	if err != nil {
		p.end()
	}
	return n, err
}

// end removes the line.
func (p *progress) end() {
	if p.shown {
		fmt.Fprint(p.terminal, "\r\x1b[K")
		p.shown = false
	}
}
