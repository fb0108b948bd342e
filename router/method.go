package router

import (
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"flowring/internal/contract"
	"flowring/router/parameter"
)

// notFound answers a path without a route.
func (rt *router) notFound(w http.ResponseWriter, r *http.Request) {
	rt.refuse(w, r, contract.NotFound)
}

// methodNotAllowed answers a path without a route for the method. It asks the routes for their methods, because mux
// does not set Allow, as RFC 9110 requires.
func (rt *router) methodNotAllowed(m *mux.Router) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allow := strings.Join(allowed(m, r), ", ")
		w.Header().Set("Allow", allow)
		if r.Method == http.MethodPost && r.URL.Path == "/" { // such as an exporter whose endpoint has no path
			allow += "; records go to /flows, /ingest/PRESET or /v1/metrics"
		}
		rt.refuse(w, r, contract.Method.Errorf("%s is not allowed here; allowed: %s", parameter.Quoted(r.Method), allow))
	})
}

// allowed returns the methods for which the path of r has a route.
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
