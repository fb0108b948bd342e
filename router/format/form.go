package format

import (
	"slices"

	"flowring/router/accept"
)

// Form is a form of answers.
type Form uint8

// The forms. Unnamed stands for the choice of the client's header Accept.
const (
	Unnamed Form = iota
	JSON
	NDJSON
	CSV
)

var (
	formNames = []string{"json", "ndjson", "csv"}
	formMedia = []string{"application/json", "application/x-ndjson", "text/csv"}
)

// FormNames returns the names of the forms in URLs.
func FormNames() []string { return formNames }

// Named returns the form with a name; Unnamed for any other text.
func Named(name string) Form { return Form(slices.Index(formNames, name) + 1) }

// Accepted returns the form that a client prefers by the lines of its header Accept. A client that takes none of the
// forms gets JSON, as RFC 9110 (section 12.4.1) allows: its user sees an answer, and not a refusal.
func Accepted(lines []string) Form {
	best, ok := accept.Media(lines, formMedia...)
	if !ok {
		return JSON
	}
	return Form(slices.Index(formMedia, best) + 1)
}

// String returns the name of the form in URLs and entity tags.
func (f Form) String() string {
	if f == Unnamed {
		return ""
	}
	return formNames[f-1]
}

// ContentType returns the value of the header Content-Type.
func (f Form) ContentType() string {
	if f == CSV {
		return "text/csv; charset=utf-8; header=present"
	}
	return formMedia[f-1]
}
