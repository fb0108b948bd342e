package contract

import (
	"fmt"
	"io"
	"slices"
)

// Completeness says how much of an hour an answer is known to hold (P5).
type Completeness int

// The levels of completeness, weakest first.
const (
	Partial  Completeness = iota // a replica of the hour did not answer
	Unproven                     // each replica answered; another store, which may hold a stray part, did not
	Complete                     // the answer holds everything acknowledged (P4)
)

// String returns the text of the header Flowring-Complete.
func (c Completeness) String() string {
	switch c {
	case Complete:
		return "true"
	case Unproven:
		return "unproven"
	}
	return "false"
}

// ParseCompleteness is the inverse of String.
func ParseCompleteness(text string) (Completeness, error) {
	for c := Partial; c <= Complete; c++ {
		if c.String() == text {
			return c, nil
		}
	}
	return Partial, fmt.Errorf("%q is no completeness", text)
}

// Need is the least completeness accepted by a reader.
type Need int

// The needs.
const (
	NeedUnproven Need = iota // the default
	NeedComplete
	NeedPartial
)

// String returns the name of the need between nodes. The name of the default is empty.
func (n Need) String() string {
	switch n {
	case NeedComplete:
		return "complete"
	case NeedPartial:
		return "partial"
	}
	return ""
}

// ParseNeed is the inverse of String. An unknown name is the default.
func ParseNeed(name string) Need {
	for _, n := range [...]Need{NeedComplete, NeedPartial} {
		if n.String() == name {
			return n
		}
	}
	return NeedUnproven
}

// Accepts reports whether an answer of the completeness c satisfies the need.
func (n Need) Accepts(c Completeness) bool {
	switch n {
	case NeedComplete:
		return c == Complete
	case NeedPartial:
		return true
	}
	return c >= Unproven
}

// Tag names the flows of an answer: on every node, answers with one tag have the same bytes. A tag is printable ASCII
// without spaces. The empty tag names nothing.
type Tag string

// AnyTag in Ask.Known stands for every tag: the reader wants the completeness and the tag, and no flows.
const AnyTag Tag = "*"

// Ask is a reader's request for an hour, or for the rows of a query.
type Ask struct {
	Need  Need
	Known []Tag // of the answers that the reader has
}

// Knows reports whether the reader already has the answer of a tag.
func (a Ask) Knows(tag Tag) bool {
	return tag != "" && (slices.Contains(a.Known, tag) || slices.Contains(a.Known, AnyTag))
}

// Answer is the flows of an hour or the rows of a query, ready to be written. An answer whose tag the reader knows may
// be empty.
type Answer interface {
	Complete() Completeness
	Tag() Tag

	// WriteTo writes the flows as a JSON array, or the rows in the form for the reader. After an error the text is
	// truncated.
	io.WriterTo
	io.Closer
}

// Erased is an answer about erased hours, which it leaves out.
type Erased interface {
	// Erased returns the latest time at which an hour of the question was erased, in seconds since 1970; 0: none is.
	Erased() int64
}
