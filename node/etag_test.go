package node_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"flowring/node"
)

// conditional reads an hour at a node with If-None-Match.
func (c *cluster) conditional(method, name string, hour int64, tag string) (res *http.Response, body string) {
	c.t.Helper()
	req, err := http.NewRequest(method, fmt.Sprintf("%s/flows?hour=%d&require=complete", c.url(name), hour), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if tag != "" {
		req.Header.Set("If-None-Match", tag)
	}
	res, err = c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res, string(text)
}

// unchanged returns nil if all nodes send one document under one tag other than before. A reader with the tag before
// gets the document; a reader with the new tag gets none.
func (c *cluster) unchanged(hour int64, before string) (tag string, err error) {
	document := ""
	for i, name := range c.names() {
		res, body := c.conditional("GET", name, hour, before)
		if i == 0 {
			tag, document = res.Header.Get("ETag"), body
		}
		if res.StatusCode != 200 || res.Header.Get("ETag") != tag || tag == before || body != document {
			return "", fmt.Errorf("%s = %d, %v, %s, want 200, one new tag for all", name, res.StatusCode, res.Header, body)
		}
	}
	for _, name := range c.names() {
		for _, known := range []string{tag, `"x", ` + strings.TrimPrefix(tag, "W/"), "*"} {
			res, body := c.conditional("GET", name, hour, known)
			if res.StatusCode != 304 || body != "" || res.Header.Get("ETag") != tag || res.Header.Get("Flowring-Complete") != "true" {
				return "", fmt.Errorf("%s with %s = %d, %v, %q, want a complete 304", name, known, res.StatusCode, res.Header, body)
			}
		}
		res, _ := c.conditional("HEAD", name, hour, "")
		if res.StatusCode != 200 || res.Header.Get("ETag") != tag || res.Header.Get("Flowring-Complete") != "true" {
			return "", fmt.Errorf("HEAD at %s = %d, %v, want 200 with the tag", name, res.StatusCode, res.Header)
		}
	}
	return tag, nil
}

// A reader with an answer from any node gets a 304 from every node, until a new batch is stored through any node. Then
// every node sends the new answer under one new tag.
func TestAnUnchangedHourIsNotSentAgain(t *testing.T) {
	for _, tt := range []struct {
		name      string
		configure func(*node.Config)
	}{{"one copy", copies(1, 1)}, {"three copies", copies(3, 2)}, {"16 slices", sliced(16)}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 3, tt.configure)
			c.formed("a", "b", "c")
			tag := ""
			for _, writer := range []string{"", "a", "b", "c"} {
				if writer != "" {
					c.mustPost(writer, "key-"+writer, of(7, "app", 6), of(7, writer, 1))
				}
				before := tag
				c.eventually(func() (err error) { // a slow POST is tried again, and its batch may then be stored under two dots
					tag, err = c.unchanged(7, before)
					return err
				})
			}
		})
	}
}

// P5: a 304 is refused under the same conditions as a 200.
func TestAnUnchangedHourIsNotProvenByHalfTheCluster(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, copies(3, 2))
	c.formed("a", "b", "c")
	c.mustPost("a", "", of(7, "app", 6))
	if _, err := c.complete("a", 7); err != nil {
		t.Fatal(err)
	}
	res, _ := c.conditional("GET", "a", 7, "")
	tag := res.Header.Get("ETag")
	c.kill("b")
	c.kill("c")
	if res, body := c.conditional("GET", "a", 7, tag); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a 304 was asked for with two of three nodes down: %d %s, want 503", res.StatusCode, body)
	}
}
