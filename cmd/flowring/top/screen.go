package top

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"flowring/cmd/flowring/ask"
	"flowring/cmd/flowring/output"
	"flowring/cmd/flowring/table"
	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/router/client"
)

// Screen shows the largest groups.
type Screen struct {
	Ask    Ask
	Values url.Values // the question, without top
	Keys   io.Reader
	Stop   func()        // ends the read of Keys in progress
	Status <-chan string // lines about a request without an answer
	Out    io.Writer
	Size   func() (width, height int)
	Style  table.Style // without its width
	Every  time.Duration
	Rounds int // answers until the end; 0: no end

	answer answer
	status string
	groups []string // the values of group_by from which g chooses
	group  int
}

// Ask asks a question, as client.Query does.
type Ask func(ctx context.Context, values url.Values, known string) (*client.Rows, error)

// answer is the answer to a question.
type answer struct {
	asked    string // the question, encoded
	groups   string // its groups
	rows     []table.Row
	complete contract.Completeness
	tag      string
	at       time.Time
	err      error
}

// groupings returns the groups from which the key g chooses, beginning with those of the question.
func groupings(values url.Values) []string {
	all := []string{"src_app,dest_app,vpc_id", "src_app", "dest_app", "vpc_id"}
	if values.Has("group_by") {
		return append([]string{values.Get("group_by")}, all...)
	}
	return all
}

// errEnd ends the screen without a fault.
var errEnd = errors.New("the screen ends")

// Run shows the screen until a key or a signal ends it, or until no node answers.
func (s *Screen) Run(ctx context.Context) error {
	s.groups = groupings(s.Values)
	s.Values.Set("group_by", s.groups[0])
	keys := s.readKeys()
	defer func() {
		s.Stop()
		for range keys { // until the reader has ended
		}
	}()
	for {
		switch err := s.round(ctx, keys); {
		case errors.Is(err, errEnd):
			return nil
		case err != nil:
			return err
		}
	}
}

// round asks the question and shows the answer. It returns nil when it is time to ask again.
func (s *Screen) round(ctx context.Context, keys <-chan byte) error {
	ctx, cancel := context.WithCancel(ctx)
	answers := make(chan answer)
	values, asked := s.question()
	go func() {
		defer close(answers)
		answers <- s.ask(ctx, values, asked)
	}()
	defer func() {
		cancel()
		for range answers { // until the question has ended
		}
	}()
	s.draw()
	next := time.NewTimer(s.Every)
	defer next.Stop()
	for pending, due := answers, false; pending != nil || !due; {
		select {
		case <-ctx.Done():
			return errEnd
		case key, open := <-keys:
			if changed := open && s.press(key); changed {
				return nil
			} else if !open || ends(key) {
				return errEnd
			}
		case s.status = <-s.Status:
			s.draw()
		case a := <-pending:
			if err := s.take(a); err != nil {
				return err
			}
			pending = nil
		case <-next.C:
			due = true
		}
	}
	return nil
}

// ends reports whether a key ends the screen. In raw mode Ctrl-C is a key.
func ends(key byte) bool {
	const ctrlC, ctrlD = 3, 4
	return key == ctrlC || key == ctrlD || key == 'q' || key == 'Q'
}

// press follows a key, and reports whether the question is another one.
func (s *Screen) press(key byte) (changed bool) {
	const lower = 0x20
	measures := map[byte]query.Measure{'b': query.Bytes, 't': query.BytesTx, 'r': query.BytesRx}
	if measure, is := measures[key|lower]; is {
		s.Values.Set("by", measure.String())
		return true
	}
	if key|lower == 'g' {
		s.group = (s.group + 1) % len(s.groups)
		s.Values.Set("group_by", s.groups[s.group])
		return true
	}
	return false
}

// The lines around the rows: a title, an empty line and the headings above them, and the keys with an empty line below.
const around = 5

// question returns the parameters for as many rows as fit on the terminal, beside a row for the others.
func (s *Screen) question() (values url.Values, asked string) {
	_, height := s.Size()
	values = url.Values{}
	for name, all := range s.Values {
		values[name] = all
	}
	values.Set("top", strconv.Itoa(max(1, height-around-1)))
	values.Set("format", output.FormatNDJSON)
	return values, values.Encode()
}

// ask returns the answer to a question. It runs beside the screen, whose answer does not change meanwhile.
func (s *Screen) ask(ctx context.Context, values url.Values, asked string) answer {
	a := answer{asked: asked, groups: values.Get("group_by")}
	known := ""
	if s.answer.asked == asked {
		known = s.answer.tag
	}
	rows, err := s.Ask(ctx, values, known)
	if err != nil {
		a.err = err
		return a
	}
	defer rows.Close()
	layout := ask.NewLayout(ask.PathFlows, values)
	a.complete, a.tag = rows.Complete, rows.Tag
	a.err = ask.EachRow(rows, func(row *ask.Row) error {
		a.rows = append(a.rows, layout.Row(row))
		return nil
	})
	return a
}

// take makes an answer that of the screen. An unchanged answer has no rows of its own.
func (s *Screen) take(a answer) error {
	switch {
	case a.err == nil:
		s.answer = a
	case !errors.Is(a.err, client.ErrUnchanged):
		return a.err
	}
	s.answer.at, s.status = time.Now(), ""
	s.draw()
	if s.Rounds--; s.Rounds == 0 {
		return errEnd
	}
	return nil
}

// draw writes the whole screen.
func (s *Screen) draw() {
	width, height := s.Size()
	style := s.Style
	style.Width = width
	t := ask.NewLayout(ask.PathFlows, s.Values).Table(ask.MeasureOf(s.Values))
	if s.answer.groups == s.Values.Get("group_by") { // rows by another sum stay until the new ones are here
		t.Rows = s.answer.rows
	}
	lines := append([]string{cut(s.title(), width), ""}, t.Lines(style)...)
	lines = lines[:min(len(lines), max(1, height-2))]
	for len(lines) < height-1 {
		lines = append(lines, "")
	}
	lines = append(lines, cut(s.lastLine(), width))
	const home, rest, below = "\x1b[H", "\x1b[K", "\x1b[J"
	fmt.Fprint(s.Out, home+strings.Join(lines, rest+"\r\n")+rest+below)
}

// cut returns the part of a text that fits on a line.
func cut(text string, width int) string {
	runes := []rune(output.Escaped(text))
	return string(runes[:min(len(runes), width)])
}

// title returns the first line.
func (s *Screen) title() string {
	groups := s.Values.Get("group_by")
	if groups == "" {
		groups = "the total"
	}
	title := fmt.Sprintf("flowring top: %s by %s, from %s", groups, ask.MeasureOf(s.Values), s.Values.Get("from"))
	if s.Values.Has("to") {
		title += " to " + s.Values.Get("to")
	}
	if s.answer.at.IsZero() {
		return title
	}
	title += ", at " + s.answer.at.Format(time.TimeOnly)
	switch s.answer.complete {
	case contract.Complete:
		return title
	case contract.Unproven:
		return title + ", may be incomplete"
	}
	return title + ", incomplete"
}

// lastLine returns the state of a request without an answer, or the keys.
func (s *Screen) lastLine() string {
	if s.status != "" {
		return s.status
	}
	return "b bytes  t sent  r received  g groups  q quit"
}

// readKeys returns the keys, until the reader ends.
func (s *Screen) readKeys() <-chan byte {
	keys := make(chan byte)
	go func() {
		defer close(keys)
		for b := make([]byte, 1); ; {
			n, err := s.Keys.Read(b)
			if err != nil {
				return
			}
			if n == 1 {
				keys <- b[0]
			}
		}
	}()
	return keys
}
