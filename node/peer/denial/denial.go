package denial

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"

	"flowring/flow"
	"flowring/internal/contract"
)

// Error is a refusal on the wire. The peer was heard and has not done the call. For contract.Unavailable and
// contract.Internal the outcome is unknown.
type Error struct {
	Code   contract.Code `json:"code"`
	Detail string        `json:"detail"`
	Stores []string      `json:"stores,omitempty"` // labels of the silent stores
	Hour   *int64        `json:"hour,omitzero"`    // the hour of a reached limit
}

// Error returns the detail.
func (e *Error) Error() string { return e.Detail }

// Is reports whether target is the refusal with the code.
func (e *Error) Is(target error) bool { return target == e.Kind() }

// As sets target to the refusal with the code, or to the refusal of the hour.
func (e *Error) As(target any) bool {
	refusal, known := contract.ByCode(e.Code)
	switch target := target.(type) {
	case *contract.Refusal:
		*target = refusal
		return known
	case **contract.HourError:
		if e.Hour != nil {
			*target = &contract.HourError{Hour: flow.Hour(*e.Hour), Err: refusal}
		}
		return known && e.Hour != nil
	}
	return false
}

// Kind returns the refusal with the code, or contract.Internal for a code of a later version.
func (e *Error) Kind() contract.Refusal {
	refusal, _ := contract.ByCode(e.Code)
	return refusal
}

// Unreached returns the reason and the silent stores of a refusal about other stores.
func (e *Error) Unreached() (reason string, silent []string) { return e.Detail, e.Stores }

// New returns a refusal to send.
func New(r contract.Refusal, format string, args ...any) *Error {
	return Of(r.Errorf(format, args...))
}

// Of returns err as a refusal to send.
func Of(err error) *Error {
	var unavailable *contract.UnavailableError
	if errors.As(err, &unavailable) { // first: its cause may be a refusal
		return &Error{Code: contract.Unavailable.Code(), Detail: unavailable.Reason, Stores: unavailable.Stores}
	}
	var sent *Error
	if errors.As(err, &sent) {
		return sent
	}
	refusal, _, _ := contract.RefusalOf(err)
	if refusal.Code() == "" {
		refusal = contract.Internal
	}
	return &Error{Code: refusal.Code(), Detail: err.Error(), Hour: hourOf(err)}
}

// hourOf returns the hour of which a limit is reached; nil for another error.
func hourOf(err error) *int64 {
	var limit *contract.HourError
	if !errors.As(err, &limit) {
		return nil
	}
	return (*int64)(&limit.Hour)
}

// Encode returns the refusal in JSON.
func (e *Error) Encode() []byte {
	body, err := json.Marshal(e, json.FormatNilSliceAsNull(false))
	if err != nil { // invalid UTF-8 in the detail; callers act on the code
		body = fmt.Appendf(nil, `{"code":%q,"detail":"unprintable"}`, e.Code)
	}
	return body
}

// Write writes the refusal as the answer to a call by HTTP.
func (e *Error) Write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.Kind().Status())
	w.Write(e.Encode())
}

// Parse decodes an *Error in JSON, and returns it or a decoding error.
func Parse(data []byte) error {
	refusal := &Error{}
	if err := json.Unmarshal(data, refusal); err != nil {
		return fmt.Errorf("refusal: %w", err)
	}
	if refusal.Code == "" {
		return errors.New("refusal without a code")
	}
	return refusal
}
