package router

import (
	"net/http"
	"slices"
)

// guarded keeps pages of other sites from using a reader's browser: what the guard refuses is answered 403 or 421. Pages of
// ReadOrigins may read, by the protocol that is called CORS: without it a browser does not show an answer to another origin.
func (rt *router) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := rt.Guard.Check(r); err != nil {
			rt.refuse(w, r, err)
			return
		}
		if len(rt.ReadOrigins) > 0 && rt.share(w.Header(), r) {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// share sets the headers with which a browser shows the answer to a page of ReadOrigins. It reports whether r is a question of the
// browser whether the page may read, which these headers answer.
func (rt *router) share(h http.Header, r *http.Request) (preflight bool) {
	asked := r.Header.Get("Access-Control-Request-Method")
	preflight = r.Method == http.MethodOptions && isRead(asked)
	if !preflight && !isRead(r.Method) {
		return false
	}
	h.Add("Vary", "Origin") // for every origin: a cache must not give one the answer to another
	origin := r.Header.Get("Origin")
	if !slices.Contains(rt.ReadOrigins, origin) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	if preflight {
		h.Set("Access-Control-Allow-Methods", "GET, HEAD")
		h.Set("Access-Control-Allow-Headers", "If-None-Match")
		return true
	}
	h.Set("Access-Control-Expose-Headers", "ETag, Flowring-Complete, Retry-After")
	return false
}

func isRead(method string) bool { return method == http.MethodGet || method == http.MethodHead }
