package router

import (
	"net/http"

	"flowring/router/parameter"
)

// takes returns h for requests whose query has only the named parameters. It refuses a request with another parameter.
func (rt *router) takes(h http.HandlerFunc, names ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := parameter.CheckNames(r.URL, names); err != nil {
			rt.refuse(w, r, err)
			return
		}
		h(w, r)
	}
}
