package router

import (
	"context"
	"errors"

	"flowring/flow"
	"flowring/internal/browser"
	"flowring/internal/contract"
	"flowring/internal/redact"
)

// RefusalOf returns the refusal of err, and its text for the client.
func RefusalOf(err error) (r contract.Refusal, detail string) {
	r, detail, ok := contract.RefusalOf(err)
	switch {
	case ok:
		return r, redact.Tokens(detail) // it quotes the request
	case errors.Is(err, context.DeadlineExceeded):
		return contract.Timeout, contract.Timeout.Error()
	}
	return contract.Internal, contract.Internal.Error()
}

// decodeRefusal returns an error of package flow and the decoders of bodies as a refusal.
func decodeRefusal(err error) error {
	if err == nil {
		return nil
	}
	var record *flow.RecordError
	switch {
	case errors.As(err, &record) && record.Index >= 0:
		return contract.Record.Errorf("%w", err)
	case errors.As(err, &record):
		return ofBody[record.Syntax].Errorf("%w", err)
	case errors.Is(err, flow.ErrOverflow):
		return contract.Overflow.Errorf("%w", err)
	case errors.Is(err, flow.ErrTooManyRecords):
		return contract.TooLarge.Errorf("%w", err)
	}
	return err
}

// ofBody has the refusal of a body that is not of its language.
var ofBody = map[flow.Syntax]contract.Refusal{flow.JSON: contract.JSON, flow.CSV: contract.CSV,
	flow.Protobuf: contract.Protobuf}

// browserRefusal returns an error of package browser as a refusal.
func browserRefusal(err error) error {
	if errors.As(err, new(*browser.HostError)) {
		return contract.Host.Errorf("%w", err)
	}
	return contract.CrossOrigin
}
