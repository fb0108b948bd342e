package transcript

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The marks at the beginning of an exchange and of its answer.
const (
	exchangeMark = "=== "
	answerMark   = "--- "
)

// script is a parsed file. Its texts still have their placeholders.
type script struct {
	head      string // the text before the first exchange
	exchanges []*exchange
}

// exchange is a request and its answer.
type exchange struct {
	name    string
	line    int // in the file, from 1
	request []string
	answer  answer
}

// answer is the expected answer.
type answer struct {
	status  int
	headers []string // "Name: value", or "!Name"
	body    string
}

// parse reads a file.
func parse(text string) (*script, error) {
	s := &script{}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	start := len(lines)
	for i, line := range slices.Backward(lines) {
		if name, ok := strings.CutPrefix(line, exchangeMark); ok {
			e := &exchange{name: name, line: i + 1}
			if err := e.parse(lines[i+1 : start]); err != nil {
				return nil, fmt.Errorf("line %d: exchange %q: %w", e.line, name, err)
			}
			s.exchanges = append(s.exchanges, e)
			start = i
		}
	}
	slices.Reverse(s.exchanges)
	for _, line := range lines[:start] {
		s.head += line + "\n"
	}
	return s, nil
}

// parse reads the lines of one exchange.
func (e *exchange) parse(lines []string) error {
	at := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, answerMark) })
	if at < 1 {
		return errors.New("needs a request and an answer")
	}
	status, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(lines[at], answerMark)))
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	headers, body := split(lines[at+1:])
	e.request, e.answer = lines[:at], answer{status, headers, body}
	return nil
}

// split cuts lines at the first empty line: headers before it, the body behind it without trailing line ends.
func split(lines []string) (headers []string, body string) {
	for i, line := range lines {
		if line == "" {
			return lines[:i], strings.TrimRight(strings.Join(lines[i+1:], "\n"), "\n")
		}
	}
	return lines, ""
}

// String returns the file in its canonical form.
func (s *script) String() string {
	var b strings.Builder
	b.WriteString(s.head)
	for i, e := range s.exchanges {
		if i > 0 {
			b.WriteString("\n")
		}
		request := strings.Join(e.request, "\n")
		fmt.Fprintf(&b, "%s%s\n%s\n%s%d\n", exchangeMark, e.name, request, answerMark, e.answer.status)
		for _, h := range e.answer.headers {
			b.WriteString(h + "\n")
		}
		if e.answer.body != "" {
			b.WriteString("\n" + e.answer.body + "\n")
		}
	}
	return b.String()
}
