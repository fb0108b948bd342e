package main

import (
	"os"
	"testing"
	"testing/fstest"
)

func TestWordsOfCommentsAndGuidesAreCounted(t *testing.T) {
	root := fstest.MapFS{
		"a.go":               {Data: []byte("// Package a is what\n// that is.\npackage a\n\nconst s = \"what // who\" // Who?\n")},
		"a_test.go":          {Data: []byte("// what what what\npackage a\n")},
		".git/b.go":          {Data: []byte("// what\npackage b\n")},
		"README.md":          {Data: []byte("What is it? That's it.\n")},
		"docs/api.md":        {Data: []byte("")},
		"docs/operations.md": {Data: []byte("")},
		"docs/design.md":     {Data: []byte("who")},
	}
	counts, err := read(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		words           int
		what, who, that int
	}{{7, 1, 1, 1}, {6, 1, 1, 0}}
	for i, w := range want {
		c := counts[i]
		if c.words != w.words || c.each["what"] != w.what || c.each["who"] != w.who || c.each["that"] != w.that {
			t.Errorf("read(root)[%d] = %d words, %v, want %+v", i, c.words, c.each, w)
		}
	}
}

func TestTheWordsOfTheProjectStayBelowTheirBars(t *testing.T) {
	counts, err := read(os.DirFS("../../.."))
	if err != nil {
		t.Fatal(err)
	}
	for i, bars := range []map[string]float64{{"what": 1, "who": 0.5, "that": 12}, {"what": 3}} {
		for word, bar := range bars {
			if rate := counts[i].rate(word); rate > bar {
				t.Errorf("%s have %.2f %q in 1,000 words, more than %g: name the thing", counts[i].of, rate, word, bar)
			}
		}
	}
}
