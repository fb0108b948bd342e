package router

import (
	"net/http"
	"strings"

	"github.com/gorilla/mux"
)

// notFound answers a path that is none of ours.
func (rt *router) notFound(w http.ResponseWriter, r *http.Request) {
	rt.refuse(w, r, errNotFound)
}

// methodNotAllowed answers a known path with an unknown method. mux leaves out the Allow header that RFC 9110 requires, so it
// is worked out by asking the routes themselves.
func (rt *router) methodNotAllowed(m *mux.Router) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allow := strings.Join(allowed(m, r), ", ")
		w.Header().Set("Allow", allow)
		rt.refuse(w, r, &methodError{method: r.Method, allow: allow})
	})
}

// allowed returns the methods that the path of r has a route for.
func allowed(m *mux.Router, r *http.Request) []string {
	var methods []string
	for _, method := range [...]string{http.MethodGet, http.MethodHead, http.MethodPost} {
		probe := *r
		probe.Method = method
		var match mux.RouteMatch
		if m.Match(&probe, &match) && match.MatchErr == nil {
			methods = append(methods, method)
		}
	}
	return methods
}
