package answer

import (
	"io"
	"strconv"

	"flowring/internal/contract"
)

// erasedAnswer is the answer of an hour that was erased, with the time in seconds since 1970. It has no flows.
type erasedAnswer int64

var _ contract.Erased = erasedAnswer(0)

// Erased implements contract.Erased.
func (a erasedAnswer) Erased() int64 { return int64(a) }

// Complete implements contract.Answer: the hour has no flows, and takes none.
func (a erasedAnswer) Complete() contract.Completeness { return contract.Complete }

// Tag implements contract.Answer.
func (a erasedAnswer) Tag() contract.Tag {
	return contract.Tag("erased/" + strconv.FormatInt(int64(a), 10))
}

// Close implements io.Closer.
func (a erasedAnswer) Close() error { return nil }

// WriteTo implements io.WriterTo.
func (a erasedAnswer) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, "[]\n")
	return int64(n), err
}
