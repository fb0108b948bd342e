package access

import (
	"context"
	"errors"
	"fmt"

	"flowring/router/client"
)

// endedDrain is the error of a drain that did not end before its command.
type endedDrain struct {
	why   string
	cause error // the signal, or a deadline
}

func (e endedDrain) Error() string {
	return e.why + ": the drain is given up, and the node joins again with all its data"
}

// Unwrap returns the cause.
func (e endedDrain) Unwrap() error { return e.cause }

// DrainError returns the error of a drain for the operator. If ctx has ended, the error of the call says only that.
func (a *Access) DrainError(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case cause == nil:
		return CallError(err)
	case errors.Is(cause, context.DeadlineExceeded):
		return endedDrain{fmt.Sprintf("not drained within the --timeout of %v", a.Timeout), cause}
	default:
		return endedDrain{cause.Error(), cause}
	}
}

// CallError returns the error of a call of an operator: of a refusal that names what to do, the text alone.
func CallError(err error) error {
	if p := (*client.Problem)(nil); errors.As(err, &p) && p.Detail != "" && p.Status >= 400 && p.Status < 500 {
		return refusedCall{p}
	}
	return err
}

// refusedCall is a refusal of a node with its detail as the text.
type refusedCall struct{ problem *client.Problem }

func (e refusedCall) Error() string { return e.problem.Detail }

// Unwrap returns the problem.
func (e refusedCall) Unwrap() error { return e.problem }
