package router

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"flowring/internal/trace"
)

// observe counts and times every request, and gives it an ID. It wraps the mux, because mux runs no middleware for 404
// and 405.
func (rt *router) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		route, method := routeLabel(r.URL.Path), methodLabel(r.Method)
		rec := &recorder{ResponseWriter: w, code: "aborted"}
		rt.metrics.inFlight.Inc()
		defer func() { // after a panic too, because a panic aborts an answer
			rt.metrics.inFlight.Dec()
			rt.metrics.requests.WithLabelValues(route, method, rec.code).Inc()
			rt.metrics.seconds.WithLabelValues(route, method).Observe(time.Since(start).Seconds())
		}()
		if rt.Unready != nil && rt.Unready() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(rec, trace.Enter(w.Header(), r))
		rec.finish()
	})
}

// recorder records the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	code   string // label: "aborted" unless the handler returns
}

func (rec *recorder) WriteHeader(status int) {
	if rec.status == 0 {
		rec.status = status
	}
	rec.ResponseWriter.WriteHeader(status)
}

// finish sets the label of a complete answer. net/http sends 200 if the handler sets no status.
func (rec *recorder) finish() {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	rec.code = strconv.Itoa(rec.status)
}

// Unwrap gives http.ResponseController access to the connection.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

// routeLabel maps the path, which clients choose freely, to a small set of labels. methodLabel does so for the method.
func routeLabel(path string) string {
	switch path {
	case "/", "/flows", "/flows/stream", "/hours", "/names", "/members", "/healthz", "/livez", "/readyz", "/metrics",
		"/openapi.json", "/v1/metrics", "/explore", "/live", "/cluster", "/sign-in", "/sign-out",
		"/admin/drain", "/admin/forget", "/admin/retention/confirm", "/admin/backup", "/admin/erase":
		return path
	}
	if strings.HasPrefix(path, "/problems/") {
		return "/problems/{name}"
	}
	if strings.HasPrefix(path, "/ingest/") {
		return "/ingest/{preset}"
	}
	if strings.HasPrefix(path, "/page/") {
		return "/page/{file}"
	}
	return "other"
}

func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return method
	}
	return "other"
}
