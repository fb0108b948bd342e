package peer

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"

	"flowring/flow"
	"flowring/node/peer/stream"
	"flowring/store"
)

// Code says why a peer refused.
type Code string

// The codes, with the HTTP status each travels under.
const (
	KeyReused    Code = "key_reused"    // 422: the Idempotency-Key was seen with other content
	KeyElsewhere Code = "key_elsewhere" // 422: likewise, for another hour perhaps
	Overflow     Code = "overflow"      // 409: a total would pass 2^63-1
	ManyFlows    Code = "many_flows"    // 409: the hour has as many flows as it may
	ManyNames    Code = "many_names"    // 409: the hour has as many names as it may
	ManyHours    Code = "many_hours"    // 409: the store has as many hours as it may
	HoursKept    Code = "hours_kept"    // 409: the store keeps the last tenth of its hours for those near now
	Unavailable  Code = "unavailable"   // 503: too few stores answered; the outcome of a write is unknown
	Busy         Code = "busy"          // 503: too many calls under way; nothing was done
	NotReplica   Code = "not_replica"   // 409: asked as a replica, by another roster or another placement
	Stranger     Code = "stranger"      // 421: the caller belongs to another cluster
	Guarded      Code = "guarded"       // 409: forgetting or draining the store could lose something
	Malformed    Code = "malformed"     // 400: the call cannot be understood
	Internal     Code = "internal"      // 500: the peer failed, on its disk say
)

// refusals are the errors of store.Check, which travel as codes of their own.
var refusals = [...]struct {
	code Code
	err  error
}{
	{KeyReused, store.ErrKeyReused}, {KeyElsewhere, store.ErrKeyElsewhere}, {Overflow, store.ErrOverflow},
	{ManyFlows, store.ErrTooManyFlows}, {ManyNames, store.ErrTooManyNames}, {ManyHours, store.ErrTooManySlices},
	{HoursKept, store.ErrSlicesKept},
}

func (c Code) status() int {
	switch c {
	case KeyReused, KeyElsewhere:
		return http.StatusUnprocessableEntity
	case Overflow, ManyFlows, ManyNames, ManyHours, HoursKept, NotReplica, Guarded:
		return http.StatusConflict
	case Unavailable, Busy:
		return http.StatusServiceUnavailable
	case Stranger:
		return http.StatusMisdirectedRequest
	case Malformed:
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

// Error is a refusal: the peer was heard, and says that it did not do what was asked, or for Unavailable that it cannot know.
type Error struct {
	Code       Code     `json:"code"`
	Detail     string   `json:"detail"`
	Stores     []string `json:"stores,omitempty"`     // names of the nodes that did not answer
	Hour       *int64   `json:"hour,omitzero"`        // of which a limit is reached
	RetryAfter int64    `json:"retry_after,omitzero"` // nanoseconds; a time.Duration has no form in JSON v2
}

// Error returns the detail.
func (e *Error) Error() string { return e.Detail }

// Is makes a refusal that came over the wire the store's error that it stands for.
func (e *Error) Is(target error) bool {
	for _, r := range refusals {
		if e.Code == r.code && target == r.err {
			return true
		}
	}
	return false
}

// As makes a refusal for a limit the store's error that it stands for.
func (e *Error) As(target any) bool {
	limit, ok := target.(**store.LimitError)
	if !ok || e.Hour == nil {
		return false
	}
	for _, r := range refusals {
		if e.Code == r.code {
			*limit = &store.LimitError{Hour: flow.Hour(*e.Hour), Err: r.err}
			return true
		}
	}
	return false
}

// Unreached returns the reason and who was not heard, of a refusal that is about others.
func (e *Error) Unreached() (reason string, silent []string) { return e.Detail, e.Stores }

// asError returns err as a refusal to send.
func asError(err error) *Error {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return &Error{Code: r.code, Detail: err.Error(), Hour: hourOf(err)}
		}
	}
	return &Error{Code: Internal, Detail: err.Error()}
}

// hourOf returns the hour of which a limit is reached; nil for another error.
func hourOf(err error) *int64 {
	var limit *store.LimitError
	if !errors.As(err, &limit) {
		return nil
	}
	return (*int64)(&limit.Hour)
}

// encode returns the refusal in JSON.
func (e *Error) encode() []byte {
	body, err := json.Marshal(e, json.FormatNilSliceAsNull(false))
	if err != nil { // invalid UTF-8 in the detail; the code is what callers act on
		body = fmt.Appendf(nil, `{"code":%q,"detail":"unprintable"}`, e.Code)
	}
	return body
}

func (e *Error) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.Code.status())
	w.Write(e.encode())
}

// Unheard reports whether a call failed because its peer was silent: no connection could be made, or no byte came in time. Further
// calls would only wait as long. A peer that refuses, or breaks an answer off, was heard.
func Unheard(err error) bool {
	var unsent *stream.UnsentError
	return errors.As(err, &unsent) || errors.Is(err, errIdle) || errors.Is(err, context.DeadlineExceeded)
}

// NotSent reports whether the call that failed with err cannot have had an effect: no connection could be made, or the peer
// refused it without trying.
func NotSent(err error) bool {
	var unsent *stream.UnsentError
	var refusal *Error
	switch {
	case errors.As(err, &unsent):
		return true
	case errors.As(err, &refusal):
		return refusal.Code != Unavailable && refusal.Code != Internal
	}
	return false
}
