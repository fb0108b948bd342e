package router

import (
	"net/http"

	"flowring/router/parameter"
)

// getLive answers ok while the process runs. It checks nothing else, because a restart does not help a node without
// peers.
func getLive(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") }

// getReady answers whether clients may send requests to the node. With for=write it answers whether the node could
// store a POST now. The body of a 503 is the reason.
func (rt *router) getReady(w http.ResponseWriter, r *http.Request) {
	write, err := parameter.Flag(r.URL.Query(), "for", "write")
	if err != nil {
		rt.refuse(w, r, err)
		return
	}
	reason := rt.Cluster.Ready()
	if write && reason == nil {
		reason = rt.Cluster.ReadyToWrite()
	} else if reason != nil {
		w.Header().Set("Connection", "close")
	}
	if reason != nil {
		writeText(w, http.StatusServiceUnavailable, reason.Error()+"\n")
		return
	}
	writeText(w, http.StatusOK, "ok\n")
}
