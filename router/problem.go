package router

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/router/admission"
	"flowring/router/coding"
	"flowring/router/head"
)

// Problem is the body of every refusal: RFC 9457, application/problem+json. Members without a value are left out.
type Problem struct {
	Type       string   `json:"type"` // contract.Refusal.Type
	Title      string   `json:"title"`
	Status     int      `json:"status"`
	Detail     string   `json:"detail,omitzero"`
	Record     *int     `json:"record,omitzero"`      // position of the record in the body, from 0
	Line       int      `json:"line,omitzero"`        // of the body, from 1; 0 if the body has one line
	Field      string   `json:"field,omitzero"`       // field of the record, in the spelling of the API
	Stores     []string `json:"stores,omitempty"`     // labels of the silent stores
	RetryAfter int      `json:"retry_after,omitzero"` // seconds, as in the header Retry-After
}

// problemOf returns the refusal of err, and its problem.
func problemOf(err error) (contract.Refusal, Problem) {
	r, detail := RefusalOf(err)
	p := Problem{Type: r.Type(), Title: r.Title(), Status: r.Status(), Detail: detail}
	var record *flow.RecordError
	if errors.As(err, &record) {
		p.Line, p.Field = record.Line, record.Field
		if record.Index >= 0 {
			p.Record = &record.Index
		}
	}
	var unavailable *contract.UnavailableError
	if errors.As(err, &unavailable) {
		p.Stores = unavailable.Stores
	}
	if p.Status == http.StatusServiceUnavailable {
		p.RetryAfter = retryAfter(err)
	}
	return r, p
}

// problemLine returns the problem of err as a line of JSON.
func problemLine(err error) []byte {
	_, p := problemOf(err)
	return document(p)
}

// retryAfter returns the number of seconds after which the client should try again. Without an overload it is random,
// 1 to 3, because clients refused together should not return together.
func retryAfter(err error) int {
	var overload *admission.OverloadError
	if errors.As(err, &overload) {
		return overload.RetryAfter
	}
	return 1 + rand.IntN(3)
}

// limitRequests is the limit Config.MaxRequests, as metrics name it.
const limitRequests = "requests"

// limitReads is the limit Config.MaxReading, as metrics name it.
const limitReads = "reads"

// limitOf returns the name of the limit behind an overload.
func limitOf(err error) string {
	var overload *admission.OverloadError
	if errors.As(err, &overload) {
		return overload.Limit
	}
	return limitReads
}

// refuse answers r with the problem for err, counts it and logs it. If the client is gone, refuse aborts the
// connection, because net/http would send 200 for an empty answer.
func (rt *router) refuse(w http.ResponseWriter, r *http.Request, err error) {
	rt.abortIfGone(r, err)
	refusal, p := problemOf(err)
	rt.noteRefusal(r, refusal, err)
	writeProblem(w, refusal, p)
	if p.Status < 500 {
		rt.discard(w, r)
	}
}

// abortIfGone aborts the connection of a client that is gone, with the error of its request.
func (rt *router) abortIfGone(r *http.Request, err error) {
	slow := errors.Is(err, contract.SlowBody) // net/http cancels the context, but the client is still there
	if r.Context().Err() != nil && !slow {
		rt.Log.DebugContext(r.Context(), "client went away", "method", r.Method, "path", r.URL.Path, "err", err)
		panic(http.ErrAbortHandler)
	}
}

// noteRefusal counts and logs a refusal. Frequent kinds of refusals have rate-limited messages of their own.
func (rt *router) noteRefusal(r *http.Request, refusal contract.Refusal, err error) {
	rt.metrics.refusals.WithLabelValues(refusal.Problem()).Inc()
	level := slog.LevelDebug
	switch {
	case refusal == contract.Overloaded: // a line for each refusal would cost more than the refusal
		rt.metrics.overloads.WithLabelValues(limitOf(err)).Inc()
		if refused := rt.overloaded.Allow(time.Now()); refused > 0 {
			rt.Log.WarnContext(r.Context(), "overloaded", "limit", limitOf(err), "refused", refused)
		}
	case refusal.Status() >= 500:
		level = slog.LevelWarn
	case refusal.Problem() == contract.KeyReused.Problem(): // most senders drop records after a 422, without a message
		if refused := rt.reused.Allow(time.Now()); refused > 0 {
			rt.Log.WarnContext(r.Context(), "key reused", "client", r.RemoteAddr, "refused", refused)
		}
	}
	rt.Log.Log(r.Context(), level, "request refused",
		"method", r.Method, "path", r.URL.Path, "status", refusal.Status(), "err", err)
}

// The media types of answers.
const (
	mediaJSON    = "application/json"
	mediaProblem = "application/problem+json"
)

// writeProblem writes p, with the headers of the refusal.
func writeProblem(w http.ResponseWriter, refusal contract.Refusal, p Problem) {
	h := w.Header()
	h.Set("Content-Type", mediaProblem)
	h.Set("Cache-Control", "no-store")
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	switch refusal {
	case contract.Unauthorized: // the ways to send a token, as RFC 9110 requires
		h["Www-Authenticate"] = []string{`Bearer realm="flowring"`, `Basic realm="flowring", charset="UTF-8"`}
	case contract.ContentEncoding:
		h.Set("Accept-Encoding", coding.Supported) // RFC 7694
	case contract.MediaType:
		h.Set("Accept", head.Accepted) // RFC 9110, section 15.5.16
	case contract.SlowBody:
		h.Set("Connection", "close") // because the rest of the body would follow; in HTTP/2 other requests go on to their end
	}
	doc := document(p)
	h.Set("Content-Length", strconv.Itoa(len(doc)))
	w.WriteHeader(p.Status)
	w.Write(doc) // fails only if the client is gone
}

// getProblem explains a problem: a client can look up a type URI at the node of the answer. A problem may have several
// statuses.
func (rt *router) getProblem(w http.ResponseWriter, r *http.Request) {
	name := mux.Vars(r)["name"]
	var texts []string
	for refusal := range contract.All() {
		if refusal.Problem() == name && name != "" {
			texts = append(texts, fmt.Sprintf("%d %s\n\n%s\n", refusal.Status(), refusal.Title(), refusal.Advice()))
		}
	}
	if len(texts) == 0 {
		rt.refuse(w, r, contract.NotFound)
		return
	}
	writeText(w, http.StatusOK, strings.Join(slices.Compact(texts), "\n"))
}
