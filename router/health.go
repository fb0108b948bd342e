package router

import "net/http"

// getLive answers that the process runs. It looks at nothing else: a node that is cut off must not be restarted for it.
func getLive(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") }

// getReady answers whether the node may be sent requests, and otherwise why not.
func (rt *router) getReady(w http.ResponseWriter, _ *http.Request) {
	if err := rt.Cluster.Ready(); err != nil {
		w.Header().Set("Connection", "close")
		writeText(w, http.StatusServiceUnavailable, err.Error()+"\n")
		return
	}
	writeText(w, http.StatusOK, "ok\n")
}
