package router

import (
	"path/filepath"
	"strings"
	"testing"

	"flowring/internal/transcript"
)

// The files in testdata/contract are the public contract. They hold for this fake and for real nodes alike.
func TestContract(t *testing.T) {
	files, err := filepath.Glob("testdata/contract/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	url, _ := serve(t, Config{}, newFake())
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { transcript.Run(t, url, file) })
	}
}
