package router

import (
	"net/http"

	"flowring/router/principal"
)

// named answers requests of senders with a scope, and passes on the principal of the sender. It runs before the body
// is read and before the admission: a sender without credentials costs the node no more than its headers.
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
