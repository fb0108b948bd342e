package records

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"flowring/flow"
	"flowring/flow/csv"
)

// csvSource reads records from CSV with a header row. It uses the decoder of the nodes and therefore refuses the same
// rows in the same words.
type csvSource struct {
	in      *bufio.Reader
	decoder csv.Decoder
	header  []byte // first row with its line end
	row     []byte // header and current row
	line    int    // of the next row
	record  []byte
}

// newCSVSource reads the header, which begins on the given line.
func newCSVSource(in *bufio.Reader, line int) (*csvSource, error) {
	s := &csvSource{in: in, line: line, decoder: csv.Decoder{Leniency: flow.Leniency{AnyHour: true, AnySum: true}}}
	header, err := s.read(nil)
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", line, err)
	}
	s.header = append(bytes.TrimRight(header, "\r\n"), '\n')
	if _, err := s.decoder.Decode(s.header, 0); err != nil {
		const want = "want records as a JSON array, one after the other, or as CSV with a header row"
		return nil, fmt.Errorf("%s: %w", want, s.located(err, line, 0))
	}
	return s, nil
}

// next implements source.
func (s *csvSource) next() (record []byte, line int, err error) {
	for {
		line = s.line
		text, err := s.read(append(s.row[:0], s.header...))
		if errors.Is(err, io.EOF) {
			return nil, 0, io.EOF
		}
		if err != nil {
			return nil, 0, fmt.Errorf("line %d: %w", line, err)
		}
		s.row = text
		p, err := s.decoder.Decode(text, 1)
		if err != nil {
			return nil, 0, s.located(err, line, bytes.Count(s.header, []byte("\n")))
		}
		if p.Records == 1 { // not an empty line
			b := p.Batches[0]
			record := flow.Record{Key: b.FlowKey(0), Totals: b.Totals(0), Hour: b.Slice.Hour}
			s.record = flow.AppendRecord(s.record[:0], record)
			return s.record, line, nil
		}
	}
}

// read appends the next row with its line end to text. A row ends with the first line after which the number of quotes
// is even. At the end read returns io.EOF.
func (s *csvSource) read(text []byte) ([]byte, error) {
	start, quotes := len(text), 0
	for {
		part, err := s.in.ReadSlice('\n')
		text = append(text, part...)
		quotes += bytes.Count(part, []byte(`"`))
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(text) == start:
			return nil, io.EOF
		case errors.Is(err, io.EOF):
			return text, nil
		case err != nil:
			return nil, err
		default:
			s.line++
			if quotes%2 == 0 {
				return text, nil
			}
		}
		if len(text)-start > MaxBody {
			return nil, fmt.Errorf("a row of more than %d bytes; is a quote missing?", MaxBody)
		}
	}
}

// located returns an error of the decoder with the line of the input. The row begins on line in the input, and after
// before lines in the text of the decoder.
func (s *csvSource) located(err error, line, before int) error {
	var refused *flow.RecordError
	if !errors.As(err, &refused) {
		return fmt.Errorf("line %d: %w", line, err)
	}
	located := *refused
	located.Index, located.Line = -1, line+refused.Line-1-before
	return &located
}
