package router

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// observe counts and times every request. It wraps the mux from outside: middleware inside it is skipped on 404 and 405.
func (rt *router) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		route, method := routeLabel(r.URL.Path), methodLabel(r.Method)
		rec := &recorder{ResponseWriter: w, code: "aborted"}
		rt.metrics.inFlight.Inc()
		defer func() { // in a panic too: that is how an answer is aborted
			rt.metrics.inFlight.Dec()
			rt.metrics.requests.WithLabelValues(route, method, rec.code).Inc()
			rt.metrics.seconds.WithLabelValues(route, method).Observe(time.Since(start).Seconds())
		}()
		if rt.Unready != nil && rt.Unready() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(rec, r)
		rec.finish()
	})
}

// recorder remembers the status of an answer.
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

// finish settles the label of an answer that was not aborted; net/http sends 200 where none was set.
func (rec *recorder) finish() {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	rec.code = strconv.Itoa(rec.status)
}

// Unwrap lets http.ResponseController reach the connection.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

// routeLabel and methodLabel map what clients may choose freely to a small set.
func routeLabel(path string) string {
	switch path {
	case "/", "/flows", "/members", "/healthz", "/livez", "/readyz", "/metrics":
		return path
	}
	if strings.HasPrefix(path, "/problems/") {
		return "/problems/{name}"
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
