package importer

import (
	"fmt"
	"io"
	"strings"
	"time"

	"flowring/cmd/flowring/output"
)

// progress is the line on a terminal with the progress of a file.
type progress struct {
	to    io.Writer
	shown bool

	in         io.Reader
	name       string
	size, read int64 // bytes, as they are in the file; size 0: unknown
	records    uint64
	began      time.Time
	next       time.Time // of the next line
	open       bool
}

const progressEvery = 200 * time.Millisecond

// begin begins a file.
func (p *progress) begin(name string, in io.Reader, size int64) io.Reader {
	now := time.Now()
	p.in, p.name, p.size, p.read, p.records = in, output.Escaped(name), size, 0, 0
	p.began, p.next = now, now.Add(progressEvery)
	return p
}

// Read implements io.Reader.
func (p *progress) Read(b []byte) (int, error) {
	n, err := p.in.Read(b)
	p.read += int64(n)
	return n, err
}

// add counts records that are stored or set aside.
func (p *progress) add(records uint64) {
	p.records += records
	if now := time.Now(); p.shown && !now.Before(p.next) {
		p.next, p.open = now.Add(progressEvery), true
		fmt.Fprintf(p.to, "\r%s\x1b[K", p.line(now.Sub(p.began)))
	}
}

// line returns the line after a time.
func (p *progress) line(passed time.Duration) string {
	seconds := max(passed.Seconds(), 0.001)
	text := fmt.Sprintf("%s: %s, %s/s", p.name, output.Many(p.records, "record"),
		output.Exact(uint64(float64(p.records)/seconds)))
	if p.size == 0 {
		return text + fmt.Sprintf(", %s MB read", output.Exact(uint64(p.read)/1e6))
	}
	const width = 20
	share := min(float64(p.read)/float64(p.size), 1)
	full := int(share * width)
	bar := strings.Repeat("#", full) + strings.Repeat(".", width-full)
	text += fmt.Sprintf(" [%s] %.0f %% of %s MB", bar, share*100, output.Exact((uint64(p.size)+999_999)/1e6))
	if share > 0 {
		left := time.Duration(seconds * (1 - share) / share * float64(time.Second))
		text += ", " + left.Round(time.Second).String() + " left"
	}
	return text
}

// end removes the line.
func (p *progress) end() {
	if p.open {
		fmt.Fprint(p.to, "\r\x1b[K")
		p.open = false
	}
}
