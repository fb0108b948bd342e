package ingest

import (
	"cmp"
	"encoding/json"
	"net/http"
)

// problemWriter turns a problem into the form that a sender expects.
type problemWriter struct {
	http.ResponseWriter
	media    string                                  // of the form
	document func(status int, message string) []byte // returns the form
	status   int
}

// WriteHeader implements http.ResponseWriter.
func (w *problemWriter) WriteHeader(status int) {
	w.status = status
	w.Header().Set("Content-Type", w.media)
	w.Header().Del("Content-Length")
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter. Problems are written at once.
func (w *problemWriter) Write(text []byte) (int, error) {
	var problem struct{ Title, Detail string }
	if json.Unmarshal(text, &problem) == nil {
		if _, err := w.ResponseWriter.Write(w.document(w.status, cmp.Or(problem.Detail, problem.Title))); err != nil {
			return 0, err
		}
	}
	return len(text), nil
}

// Unwrap gives http.ResponseController access to the connection.
func (w *problemWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
