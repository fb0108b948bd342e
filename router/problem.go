package router

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"flowring/flow"
	"flowring/router/admission"
)

// Problem is the body of every refusal: RFC 9457, application/problem+json. Members that do not apply are left out.
type Problem struct {
	Type       string   `json:"type"` // "/problems/" and a name from the table in problem.go
	Title      string   `json:"title"`
	Status     int      `json:"status"`
	Detail     string   `json:"detail,omitempty"`
	Record     *int     `json:"record,omitempty"`      // position of the record in the body, from 0
	Line       int      `json:"line,omitempty"`        // of the body, from 1; left out where the body has but one
	Field      string   `json:"field,omitempty"`       // field of the record, as the contract spells it
	Stores     []string `json:"stores,omitempty"`      // names of the nodes that did not answer
	RetryAfter int      `json:"retry_after,omitempty"` // seconds, as in the header Retry-After
}

// problemOf fills in the problem for err.
func problemOf(err error) Problem {
	a := answerTo(err)
	p := Problem{Type: "/problems/" + a.name, Title: a.title, Status: a.status, Detail: cmp.Or(a.detail, err.Error())}
	var record *flow.RecordError
	if errors.As(err, &record) {
		p.Line, p.Field = record.Line, record.Field
		if record.Index >= 0 {
			p.Record = &record.Index
		}
	}
	var limit *LimitError
	if errors.As(err, &limit) {
		p.Detail = limit.Error() // the path above it is for the log
	}
	var unavailable *UnavailableError
	if errors.As(err, &unavailable) {
		p.Detail, p.Stores = unavailable.Error(), unavailable.Stores // the path above it is for the log
	}
	if a.status == http.StatusServiceUnavailable {
		p.RetryAfter = retryAfter(err)
	}
	return p
}

// limitReads is the limit Config.MaxReading, as metrics name it.
const limitReads = "reads"

// limitOf returns the name of the limit that an overload is about.
func limitOf(err error) string {
	var overload *admission.OverloadError
	if errors.As(err, &overload) {
		return overload.Limit
	}
	return limitReads
}

// retryAfter returns after how many seconds to try again. Without a better idea it is drawn from 1 to 3, so that clients who
// were refused together do not come back together.
func retryAfter(err error) int {
	var unavailable *UnavailableError
	var overload *admission.OverloadError
	switch {
	case errors.As(err, &unavailable) && unavailable.RetryAfter > 0:
		return int((unavailable.RetryAfter + time.Second - 1) / time.Second)
	case errors.As(err, &overload):
		return overload.RetryAfter
	}
	return 1 + rand.IntN(3)
}

// refuse answers r with the problem for err, counts it and logs it. A client that went away gets no answer: the connection is
// aborted, for an empty answer would read as 200.
func (rt *router) refuse(w http.ResponseWriter, r *http.Request, err error) {
	slow := errors.Is(err, errSlowBody) // net/http cancels the context for it, but the client is still there
	if r.Context().Err() != nil && !slow {
		rt.Log.Debug("client went away", "method", r.Method, "path", r.URL.Path, "err", err)
		panic(http.ErrAbortHandler)
	}
	p := problemOf(err)
	rt.metrics.refusals.WithLabelValues(strings.TrimPrefix(p.Type, "/problems/")).Inc()
	level := slog.LevelDebug
	if errors.Is(err, admission.ErrOverloaded) { // they are many, and to log each would cost more than to refuse it
		rt.metrics.overloads.WithLabelValues(limitOf(err)).Inc()
		if refused := rt.overloaded.Allow(time.Now()); refused > 0 {
			rt.Log.Warn("overloaded", "limit", limitOf(err), "refused", refused)
		}
	} else if p.Status >= 500 {
		level = slog.LevelWarn
	}
	if errors.Is(err, ErrKeyReused) { // shippers drop what is refused with 422, mostly without a word
		if refused := rt.reused.Allow(time.Now()); refused > 0 {
			rt.Log.Warn("key reused", "client", r.RemoteAddr, "refused", refused)
		}
	}
	rt.Log.Log(r.Context(), level, "request refused", "method", r.Method, "path", r.URL.Path, "status", p.Status, "err", err)
	writeProblem(w, p)
	if p.Status < 500 {
		rt.discard(w, r)
	}
}

// writeProblem writes p, with the headers that its status asks for.
func writeProblem(w http.ResponseWriter, p Problem) {
	h := w.Header()
	h.Set("Content-Type", mediaProblem)
	h.Set("Cache-Control", "no-store")
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	switch p.Type {
	case "/problems/content-encoding":
		h.Set("Accept-Encoding", acceptedCodings) // RFC 7694
	case "/problems/media-type":
		h.Set("Accept", acceptedMedia) // RFC 9110, section 15.5.16
	case "/problems/slow-body":
		h.Set("Connection", "close") // what follows is the rest of the body
	}
	var doc bytes.Buffer
	enc := json.NewEncoder(&doc)
	enc.SetEscapeHTML(false)
	enc.Encode(p) // cannot fail: it writes to memory
	h.Set("Content-Length", strconv.Itoa(doc.Len()))
	w.WriteHeader(p.Status)
	w.Write(doc.Bytes()) // fails only when the client is gone
}

// getProblem answers what an error means, so that a type URI can be looked up where it came from.
func (rt *router) getProblem(w http.ResponseWriter, r *http.Request) {
	for _, a := range answers {
		if a.name == mux.Vars(r)["name"] {
			writeText(w, http.StatusOK, fmt.Sprintf("%d %s\n\n%s\n", a.status, a.title, a.advice))
			return
		}
	}
	rt.refuse(w, r, errNotFound)
}
