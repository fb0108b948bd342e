package router

import (
	"net/http"

	"flowring/router/principal"
)

// named asks for a scope, before the body and the admission. A sender without credentials costs no more than headers.
func (rt *router) named(
	need principal.Scopes, h func(http.ResponseWriter, *http.Request, principal.Principal),
) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, err := rt.Gate.Check(r, need)
		if err != nil {
			rt.refuse(w, r, err)
			return
		}
		h(w, r, who)
	}
}

// needs is named for a handler that does not ask for the principal.
func (rt *router) needs(need principal.Scopes, h http.HandlerFunc) http.HandlerFunc {
	return rt.named(need, func(w http.ResponseWriter, r *http.Request, _ principal.Principal) { h(w, r) })
}

// done answers a call that has only an end.
func (rt *router) done(call func(*http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		rt.answer(w, r, struct{}{}, call(r))
	}
}

// answer answers with v in JSON, or refuses the request.
func (rt *router) answer(w http.ResponseWriter, r *http.Request, v any, err error) {
	if err != nil {
		rt.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", mediaJSON)
	w.Write(document(v)) // fails only if the client is gone
}
