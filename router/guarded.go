package router

import (
	"net/http"
	"slices"
)

// guarded protects a node from pages of other sites in the browser of a reader. It answers 403 or 421 to a request
// refused by the guard. It lets pages of ReadOrigins read answers, by the CORS protocol: without its headers a
// browser does not show an answer to a page of another origin.
func (rt *router) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := rt.Guard.Check(r); err != nil {
			rt.refuse(w, r, browserRefusal(err))
			return
		}
		if len(rt.ReadOrigins) > 0 && rt.share(w.Header(), r) {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// share sets the headers with which a browser shows the answer to a page of ReadOrigins. It reports whether r is a
// preflight request, which these headers answer: the browser asks whether the page may read.
func (rt *router) share(h http.Header, r *http.Request) (preflight bool) {
	asked := r.Header.Get("Access-Control-Request-Method")
	preflight = r.Method == http.MethodOptions && isRead(asked)
	if !preflight && !isRead(r.Method) {
		return false
	}
	h.Add("Vary", "Origin") // for every origin, because a cache must not mix up their answers
	origin := r.Header.Get("Origin")
	if !slices.Contains(rt.ReadOrigins, origin) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	if preflight {
		h.Set("Access-Control-Allow-Methods", "GET, HEAD")
		h.Set("Access-Control-Allow-Headers", "Authorization, If-None-Match, Last-Event-ID")
		return true
	}
	h.Set("Access-Control-Expose-Headers", "ETag, Flowring-Complete, Flowring-Erased, Flowring-From, Flowring-More, "+
		"Flowring-Request-Id, Flowring-Saturated, Link, Retry-After")
	return false
}

func isRead(method string) bool { return method == http.MethodGet || method == http.MethodHead }
