package node

import (
	"bufio"
	"bytes"
	"container/heap"
	"errors"
	"fmt"
	"io"
	"sync"

	"flowring/flow"
	"flowring/node/peer"
	"flowring/router"
)

// mergedAnswer is an hour whose slices come from several owners, each sorted: they are merged as they stream, record by record, in
// memory that does not depend on the size of the hour. The records are passed through as the owners wrote them.
type mergedAnswer []peer.Answer

// Complete implements router.Answer: an hour is as complete as its least complete slice.
func (a mergedAnswer) Complete() router.Completeness {
	least := router.Complete
	for _, part := range a {
		switch c := router.Completeness(part.Complete()); {
		case c == router.Partial || c == router.Unproven && least == router.Complete:
			least = c
		}
	}
	return least
}

// Close implements io.Closer.
func (a mergedAnswer) Close() error {
	var errs []error
	for _, part := range a {
		errs = append(errs, part.Close())
	}
	return errors.Join(errs...)
}

// WriteTo implements io.WriterTo.
func (a mergedAnswer) WriteTo(w io.Writer) (int64, error) {
	out := &counted{w: bufio.NewWriterSize(w, 64<<10)}
	var wg sync.WaitGroup
	var parts streams
	defer wg.Wait()
	defer func() { parts.close() }()
	for _, part := range a {
		parts = append(parts, newStream(part, &wg))
	}
	err := parts.merge(out)
	return out.n, errors.Join(err, out.w.Flush())
}

// counted counts what is written.
type counted struct {
	w *bufio.Writer
	n int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// streams are the slices of an hour that have records left, as a heap: the one with the least key first.
type streams []*stream

// Len implements heap.Interface.
func (s streams) Len() int { return len(s) }

// Less implements heap.Interface.
func (s streams) Less(i, j int) bool { return s[i].compare(s[j]) < 0 }

// Swap implements heap.Interface.
func (s streams) Swap(i, j int) { s[i], s[j] = s[j], s[i] }

// Push implements heap.Interface.
func (s *streams) Push(x any) { *s = append(*s, x.(*stream)) }

// Pop implements heap.Interface.
func (s *streams) Pop() any {
	last := len(*s) - 1
	x := (*s)[last]
	*s = (*s)[:last]
	return x
}

func (s streams) close() {
	for _, part := range s {
		_ = part.pipe.Close() // who writes into it ends
	}
}

// merge writes all records in order as one JSON array. The streams that have none left leave the heap, but not their owner's list.
func (s streams) merge(w io.Writer) error {
	var live streams
	for _, part := range s {
		more, err := part.next()
		if err != nil {
			return err
		}
		if more {
			live = append(live, part)
		}
	}
	heap.Init(&live)
	end := "[]\n"
	for len(live) > 0 {
		if end == "[]\n" { // the first
			live[0].record[0] = '['
		}
		if _, err := w.Write(live[0].record); err != nil {
			return err
		}
		end = "]\n"
		more, err := live[0].next()
		switch {
		case err != nil:
			return err
		case more:
			heap.Fix(&live, 0)
		default:
			heap.Pop(&live)
		}
	}
	_, err := io.WriteString(w, end)
	return err
}

// stream reads one slice's answer record by record.
type stream struct {
	pipe   *io.PipeReader
	r      *bufio.Reader
	record []byte    // the record at hand, as it was written, behind a comma
	names  [3][]byte // its source, destination and VPC, as they were written
	begun  bool
}

func newStream(part peer.Answer, wg *sync.WaitGroup) *stream {
	r, w := io.Pipe()
	wg.Go(func() {
		_, err := part.WriteTo(w)
		w.CloseWithError(err) // nil: the end
	})
	return &stream{pipe: r, r: bufio.NewReaderSize(r, 32<<10)}
}

// next goes on to the next record, and reports whether there is one.
func (s *stream) next() (bool, error) {
	c, err := s.r.ReadByte()
	if err != nil {
		return false, fmt.Errorf("a slice broke off: %w", noEOF(err))
	}
	if !s.begun {
		s.begun = true
		if c != '[' {
			return false, fmt.Errorf("a slice begins with %q", c)
		}
		if c, err = s.r.ReadByte(); err != nil {
			return false, fmt.Errorf("a slice broke off: %w", noEOF(err))
		}
		if c == '{' {
			return true, s.read()
		}
	}
	switch c {
	case ']':
		return false, nil
	case ',':
		if _, err := s.r.Discard(1); err != nil {
			return false, fmt.Errorf("a slice broke off: %w", noEOF(err))
		}
		return true, s.read()
	}
	return false, fmt.Errorf("a slice has %q between its records", c)
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// read reads a record, whose first byte was read. A brace ends it only behind the hour: a name may have braces, but no quote that is
// not behind a backslash.
func (s *stream) read() error {
	s.record = append(s.record[:0], ',', '{')
	for {
		part, err := s.r.ReadSlice('}')
		s.record = append(s.record, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return fmt.Errorf("a slice broke off: %w", noEOF(err))
		case bytes.Contains(s.record[max(0, len(s.record)-maxHourLen):], []byte(`,"hour":`)):
			var ok bool
			if s.names, ok = flow.NamesOf(s.record[1:]); !ok {
				return fmt.Errorf("a slice has a record that reads %.200q", s.record)
			}
			return nil
		}
	}
}

// maxHourLen is the most bytes that the hour of a record takes, with its name.
const maxHourLen = len(`,"hour":-9223372036854775808}`)

func (s *stream) compare(o *stream) int {
	for i := range s.names {
		if c := flow.CompareJSON(s.names[i], o.names[i]); c != 0 {
			return c
		}
	}
	return 0
}
