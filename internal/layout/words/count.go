package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"regexp"
	"strings"
)

// guides are the pages whose prose is counted.
var guides = [...]string{"README.md", "docs/api.md", "docs/operations.md", "docs/design.md"}

// count is how often each word stands in a text.
type count struct {
	of    string // the kind of text: "comments" or "guides"
	words int    // all of them
	each  map[string]int
}

// rate returns how often a word stands among 1,000 words.
func (c count) rate(word string) float64 {
	if c.words == 0 {
		return 0
	}
	return 1000 * float64(c.each[word]) / float64(c.words)
}

var wordPattern = regexp.MustCompile(`[A-Za-z']+`)

func (c *count) add(text string) {
	for _, word := range wordPattern.FindAllString(text, -1) {
		c.words++
		c.each[strings.ToLower(word)]++
	}
}

// read counts the words of the module whose root is given: one count of comments, one of guides.
func read(root fs.FS) ([]count, error) {
	comments := count{of: "comments", each: map[string]int{}}
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != ".":
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		return comments.addComments(root, path)
	})
	if err != nil {
		return nil, fmt.Errorf("read comments: %w", err)
	}
	prose := count{of: "guides", each: map[string]int{}}
	for _, path := range guides {
		text, err := fs.ReadFile(root, path)
		if err != nil {
			return nil, fmt.Errorf("read guides: %w", err)
		}
		prose.add(string(text))
	}
	return []count{comments, prose}, nil
}

// addComments adds the comments of a Go file.
func (c *count) addComments(root fs.FS, path string) error {
	text, err := fs.ReadFile(root, path)
	if err != nil {
		return err
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	for _, group := range file.Comments {
		for _, comment := range group.List {
			c.add(comment.Text)
		}
	}
	return nil
}
