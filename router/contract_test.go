package router

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"flowring/internal/apicheck"
	"flowring/internal/transcript"
)

// The files in testdata/contract are the public contract. They hold for this fake and for real nodes alike, and the
// OpenAPI document describes each of their exchanges.
func TestContract(t *testing.T) {
	files, err := filepath.Glob("testdata/contract/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	url, _ := serve(t, Config{}, newFake())
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			transcript.Run(t, url, file, checkAgainstDocument)
		})
	}
	provokeRefusals(t)
	if unseen := described.Unseen(); len(unseen) > 0 {
		t.Errorf("the document has answers and problems that neither a transcript nor a refusal here has:\n%s",
			strings.Join(unseen, "\n"))
	}
}

// checkAgainstDocument is a transcript.Check.
func checkAgainstDocument(r *http.Request, status int, h http.Header, body []byte) error {
	return described.Check(r, apicheck.Answer{Status: status, Header: h, Body: body})
}
