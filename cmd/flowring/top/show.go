package top

import (
	"context"
	"io"
	"net/url"
	"strings"

	"flowring/cmd/flowring/access"
	"flowring/cmd/flowring/ask"
	"flowring/router/client"
)

// Show shows the screen on a terminal, with answers of the nodes of a. It sets the fields from Ask to Size, apart from
// Values.
func (s *Screen) Show(ctx context.Context, a *access.Access, in io.Reader, out io.Writer) error {
	a.Attempt = a.Timeout
	lines := make(statusLines, 1)
	c, err := a.Client(lines)
	if err != nil {
		return err
	}
	defer c.Close()
	terminal, err := Open(in, out)
	if err != nil {
		return err
	}
	s.Ask = func(ctx context.Context, values url.Values, known string) (*client.Rows, error) {
		ctx, answered, _ := a.Bound(ctx) // ends with the question, which reads the rows
		defer answered()
		return a.Query(ctx, c, ask.PathFlows, values, known)
	}
	s.Keys, s.Stop, s.Status = terminal.Keys, terminal.Stop, lines
	s.Out, s.Size = out, terminal.Size
	err = s.Run(ctx)
	if closed := terminal.Close(); err == nil {
		err = closed
	}
	return err
}

// statusLines takes lines about a request without an answer. It keeps one, until the screen shows it.
type statusLines chan string

// Write implements io.Writer.
func (l statusLines) Write(line []byte) (int, error) {
	select {
	case l <- strings.TrimSpace(string(line)):
	default:
	}
	return len(line), nil
}
