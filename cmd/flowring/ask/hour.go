package ask

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"flowring/cmd/flowring/output"
	"flowring/flow"
	"flowring/flow/field"
	"flowring/internal/contract"
)

// ParseHour reads a number, or "now" with a number of hours to subtract.
func ParseHour(text string, now time.Time) (flow.Hour, error) {
	bad := fmt.Errorf("%q is no hour: want a whole number, now, or now-1", text)
	if hour, ok := field.HourOfTime(text); ok {
		bad = fmt.Errorf("%w; its hour is %d", bad, hour)
	}
	back, relative := strings.CutPrefix(text, "now")
	if !relative {
		hour, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, bad
		}
		return flow.Hour(hour), nil
	}
	current := flow.Hour(now.Unix() / 3600)
	if back == "" {
		return current, nil
	}
	hours, err := strconv.ParseUint(strings.TrimPrefix(back, "-"), 10, 32)
	if err != nil || back[0] != '-' {
		return 0, bad
	}
	return current - flow.Hour(hours), nil
}

// Hour gets an hour as a whole, and prints it in the format of the printer.
func (p *Printer) Hour(ctx context.Context, hour flow.Hour, need contract.Need) error {
	c, err := p.Access.Client(p.Stderr)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, answered, cancel := p.Access.Bound(ctx)
	defer cancel()
	answer, err := p.Access.Get(ctx, c, hour, need)
	answered()
	if err != nil {
		return err
	}
	defer answer.Close()
	noteHour(p.Stderr, hour, answer.Complete)
	reading := newProgress(answer, p.progressTo())
	defer reading.end()
	return output.Flows{Format: p.Format, Hour: hour, Terminal: output.Terminal(p.Stdout)}.Write(p.Stdout, reading)
}

// noteHour prints a note if an hour may be incomplete (P5).
func noteHour(stderr io.Writer, hour flow.Hour, complete contract.Completeness) {
	switch complete {
	case contract.Complete:
	case contract.Unproven:
		fmt.Fprintf(stderr, "flowring: note: hour %d may be incomplete: "+
			"a store that may hold a part of it did not answer\n", hour)
	default:
		fmt.Fprintf(stderr, "flowring: note: hour %d is incomplete: a store that should hold it did not answer\n", hour)
	}
}
