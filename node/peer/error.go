package peer

import (
	"context"
	"errors"

	"flowring/internal/contract"
	"flowring/node/peer/denial"
	"flowring/node/peer/idle"
	"flowring/node/peer/stream"
)

// Error is a refusal of a peer.
type Error = denial.Error

// Unheard reports whether a call failed because its peer was silent: no connection could be made, or no byte came in
// time. Further calls would only wait as long. A peer was heard if it refuses, or breaks an answer off.
func Unheard(err error) bool {
	var unsent *stream.UnsentError
	return errors.As(err, &unsent) || errors.Is(err, idle.ErrTimeout) || errors.Is(err, context.DeadlineExceeded)
}

// NotSent reports whether a failed call had no effect for certain: no connection could be made, or the peer refused the
// call without trying.
func NotSent(err error) bool {
	var unsent *stream.UnsentError
	var refusal *Error
	switch {
	case errors.As(err, &unsent):
		return true
	case errors.As(err, &refusal):
		return refusal.Kind() != contract.Unavailable && refusal.Kind() != contract.Internal
	}
	return false
}
