package form

import (
	"bytes"
	"strings"

	"flowring/flow/ingest/preset"
)

// LineKind is the kind of a line of a text whose lines are records.
type LineKind uint8

// The kinds.
const (
	NoRecord   LineKind = iota // an empty line
	HeaderLine                 // the names of the columns of the lines that follow
	RecordLine
)

// Lines tells the kinds of the lines of a text, in their order. It lets a long text be cut into bodies: each begins
// with the last header line before its records.
type Lines struct {
	Quoted bool // a line goes on to the first line end after which the number of quotes is even

	// Columns returns the names of the columns of a header line.
	Columns func(header []byte) []string

	kind func(line []byte) LineKind
}

// LinesOf returns the kinds of lines of the form of a preset. ok is false if records of the form have no lines.
func LinesOf(p *preset.Preset) (l *Lines, ok bool) {
	switch p.Form {
	case "aws-lines":
		return &Lines{Columns: words, kind: awsKind}, true
	case "csv":
		return newCSVLines(), true
	}
	return nil, false
}

// Kind returns the kind of the next line.
func (l *Lines) Kind(line []byte) LineKind {
	if len(bytes.TrimSpace(line)) == 0 {
		return NoRecord
	}
	return l.kind(line)
}

func awsKind(line []byte) LineKind {
	if isHeader(words(line)) {
		return HeaderLine
	}
	return RecordLine
}

func words(line []byte) []string { return strings.Fields(string(line)) }
