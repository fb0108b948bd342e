package access

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"flowring/node/peer"
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
func (a *Access) DrainError(ctx context.Context, addr string, err error) error {
	switch cause := context.Cause(ctx); {
	case cause == nil:
		return CallError(addr, err)
	case errors.Is(cause, context.DeadlineExceeded):
		return endedDrain{fmt.Sprintf("not drained within the --timeout of %v", a.Timeout), cause}
	default:
		return endedDrain{cause.Error(), cause}
	}
}

// CallError returns the error of a call to the peer port at addr without the URL of the call.
func CallError(addr string, err error) error {
	if refused := (*peer.Error)(nil); errors.As(err, &refused) {
		return refused
	}
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		return fmt.Errorf("peer port %s: %w", addr, failed.Err)
	}
	return err
}
