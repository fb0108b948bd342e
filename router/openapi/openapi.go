package openapi

import (
	_ "embed" // for the document
	"net/http"
)

//go:embed openapi.json
var document string

// Document returns the document as JSON.
func Document() string { return document }

// Get answers with the document.
func Get(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write([]byte(document)) // fails only if the client is gone
}
