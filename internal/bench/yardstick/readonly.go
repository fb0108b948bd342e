package yardstick

import (
	"io"
	"net/http"
)

// ReadOnly returns a handler that reads every body to its end, keeps nothing and answers.
func ReadOnly() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, "{}\n")
	})
}
