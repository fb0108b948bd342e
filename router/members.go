package router

import (
	"encoding/json"
	"net/http"
)

// getMembers answers with the cluster as this node sees it.
func (rt *router) getMembers(w http.ResponseWriter, _ *http.Request) {
	view := rt.Cluster.Members()
	if view.Members == nil {
		view.Members = []Member{} // [] and never null
	}
	w.Header().Set("Content-Type", mediaJSON)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	enc.Encode(view) // fails only when the client is gone
}
