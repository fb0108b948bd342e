package records

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"flowring/flow"
)

// Each calls do for every flow of a JSON array until do fails. It does not keep the array in memory.
func Each[T flow.Record | jsontext.Value](answer io.Reader, do func(T) error) error {
	in := jsontext.NewDecoder(answer)
	if first, err := in.ReadToken(); err != nil {
		return fmt.Errorf("read the answer: %w", reason(err))
	} else if first.Kind() != '[' {
		return errors.New("read the answer: it is no JSON array")
	}
	for in.PeekKind() != ']' {
		var f T
		if err := json.UnmarshalDecode(in, &f); err != nil {
			return fmt.Errorf("read the answer: %w", reason(err))
		}
		if err := do(f); err != nil {
			return err
		}
	}
	_, err := in.ReadToken() // the bracket
	return err
}

// reason returns the reason of an error. An end of the input is unexpected, and a syntax error is without its offset,
// which counts from the begin of the decoder's input.
func reason(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	if syntax := (*jsontext.SyntacticError)(nil); errors.As(err, &syntax) {
		return syntax.Err
	}
	return err
}
