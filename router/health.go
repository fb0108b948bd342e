package router

import "net/http"

// getLive answers that the process runs. It looks at nothing else: a node that is cut off must not be restarted for it.
func getLive(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") }

// getReady answers whether the node may be sent requests, with for=write whether a POST could be stored now, and otherwise why
// not.
func (rt *router) getReady(w http.ResponseWriter, r *http.Request) {
	write, err := flag(r.URL.Query(), "for", "write")
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
