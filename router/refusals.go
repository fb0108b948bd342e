package router

import (
	"context"
	"errors"

	"flowring/flow"
	"flowring/flow/csv"
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

// decodeRefusal returns an error of packages flow and csv as a refusal.
func decodeRefusal(err error) error {
	if err == nil {
		return nil
	}
	var record *flow.RecordError
	switch {
	case errors.As(err, &record) && record.Index >= 0:
		return contract.Record.Errorf("%w", err)
	case errors.As(err, &record) && record.CSV:
		return contract.CSV.Errorf("%w", err)
	case errors.As(err, &record):
		return contract.JSON.Errorf("%w", err)
	case errors.Is(err, flow.ErrOverflow):
		return contract.Overflow.Errorf("%w", err)
	case errors.Is(err, csv.ErrTooManyRecords):
		return contract.TooLarge.Errorf("%w", err)
	}
	return err
}

// browserRefusal returns an error of package browser as a refusal.
func browserRefusal(err error) error {
	if errors.As(err, new(*browser.HostError)) {
		return contract.Host.Errorf("%w", err)
	}
	return contract.CrossOrigin
}
