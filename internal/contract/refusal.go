package contract

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"flowring/flow"
)

// Refusal is a row of the table of refusals. It is an error by itself, with the text of its row.
type Refusal int

// Problem returns the last part of the problem's type URI, which is also the label of metrics. It is empty for a
// refusal between nodes.
func (r Refusal) Problem() string { return table[r].problem }

// Type returns the type URI of the problem, relative to the answering node.
func (r Refusal) Type() string { return "/problems/" + r.Problem() }

// Code returns the name of the refusal between nodes. It is empty for a refusal of the HTTP API alone.
func (r Refusal) Code() Code { return table[r].code }

// Status returns the HTTP status.
func (r Refusal) Status() int { return table[r].status }

// Title returns the title of the problem.
func (r Refusal) Title() string { return table[r].title }

// Advice returns the advice to the client, in sentences.
func (r Refusal) Advice() string { return table[r].advice }

// Error returns the text of the row.
func (r Refusal) Error() string {
	if text := table[r].text; text != "" {
		return text
	}
	title := table[r].title
	return strings.ToLower(title[:1]) + title[1:]
}

// Refusal returns r.
func (r Refusal) Refusal() Refusal { return r }

// OfContent reports whether a store refuses the content of a write. After such a refusal the store has nothing
// of the write (P3).
func (r Refusal) OfContent() bool { return table[r].refuses != noWrites }

// Yields reports whether the refusal does not count for a POST of which a part is stored: only the whole is right then.
func (r Refusal) Yields() bool { return table[r].refuses == newWrites }

// Errorf returns an error of this refusal with a text of its own. The verb %w wraps a cause.
func (r Refusal) Errorf(format string, args ...any) error {
	return &detailed{r, fmt.Errorf(format, args...)}
}

// All yields the rows of the table in order.
func All() iter.Seq[Refusal] {
	return func(yield func(Refusal) bool) {
		for r := range Refusal(len(table)) {
			if !yield(r) {
				return
			}
		}
	}
}

// Code is the name of a refusal between nodes. The table lacks the codes of later versions.
type Code string

// ByCode returns the refusal with a code.
func ByCode(code Code) (r Refusal, known bool) {
	for r := range All() {
		if r.Code() == code && code != "" {
			return r, true
		}
	}
	return Internal, false
}

// RefusalOf returns the refusal carried by err, and its text for clients: the text of the outermost error with a
// refusal, without the path around it. ok is false if err carries none.
func RefusalOf(err error) (r Refusal, detail string, ok bool) {
	var carrier interface {
		error
		Refusal() Refusal
	}
	if !errors.As(err, &carrier) {
		return Internal, "", false
	}
	return carrier.Refusal(), carrier.Error(), true
}

// detailed is a refusal with a text of its own.
type detailed struct {
	refusal Refusal
	err     error
}

func (d *detailed) Error() string        { return d.err.Error() }
func (d *detailed) Refusal() Refusal     { return d.refusal }
func (d *detailed) Is(target error) bool { return target == d.refusal }
func (d *detailed) Unwrap() error        { return d.err }

// HourError is a refusal of one hour of a request. If a request has several such hours, it names the first one.
type HourError struct {
	Hour flow.Hour
	Err  Refusal
}

// Error returns the hour and the text of the refusal.
func (e *HourError) Error() string { return fmt.Sprintf("hour %d: %v", e.Hour, e.Err) }

// Unwrap returns the refusal.
func (e *HourError) Unwrap() error { return e.Err }

// Refusal returns Err.
func (e *HourError) Refusal() Refusal { return e.Err }
