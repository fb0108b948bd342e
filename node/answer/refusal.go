package answer

import (
	"errors"

	"flowring/internal/contract"
	"flowring/node/peer"
)

// PublicError returns err in the form for clients: a refusal without the path around it. A peer's refusal for another
// reason than the content of a write, or an expired hour, means that the cluster is unavailable.
func PublicError(err error) error {
	if err == nil {
		return nil
	}
	var unavailable *contract.UnavailableError
	var hour *contract.HourError
	var refusal contract.Refusal
	var peers *peer.Error
	switch {
	case errors.As(err, &unavailable): // first, because its cause may be a refusal although a part is stored (P3)
		return unavailable
	case errors.As(err, &hour):
		return hour
	case errors.As(err, &refusal) && (refusal.OfContent() || refusal == contract.Expired):
		return refusal
	case errors.As(err, &peers):
		return &contract.UnavailableError{Reason: peers.Detail, Stores: peers.Stores, Err: err}
	}
	return err
}
