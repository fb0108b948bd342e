//go:build linux

package proctest

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"flowring/flow"
)

// check fails the test unless every node gives the same complete document for every hour, with all acknowledged batches
// (P2, P6).
func (l *load) check(nodes ...*process) {
	c := l.c
	c.t.Helper()
	if n := l.book.Sent() - l.book.Acknowledged(); n > 0 {
		c.t.Errorf("%d batches were never acknowledged", n)
	}
	begun := time.Now()
	for _, hour := range l.book.Hours() {
		var first []byte
		for _, p := range nodes {
			document := c.completeDocument(p, hour)
			if err := l.book.judge(hour, l.book.Owed(hour), document); err != nil {
				c.t.Errorf("at %s: %v", p, err)
			}
			if first == nil {
				first = document
			}
			if !bytes.Equal(first, document) {
				c.t.Errorf("hour %d: %s and %s have different documents", hour, nodes[0], p)
			}
		}
	}
	c.t.Logf("every document was read completely after %v", time.Since(begun).Round(time.Millisecond))
}

// completeDocument waits for a complete read of an hour.
func (c *cluster) completeDocument(p *process, hour flow.Hour) []byte {
	c.t.Helper()
	var document []byte
	c.eventually(func() (err error) {
		document, err = c.document(p, hour)
		return err
	})
	return document
}

// sameStores waits until the digests of all stores are equal. The answers in check come from the owner of each hour;
// sameStores looks at every store. It needs as many nodes as copies.
func (c *cluster) sameStores(nodes ...*process) {
	c.t.Helper()
	took := c.eventually(func() error {
		var first string
		for _, p := range nodes {
			a, err := c.ask(http.MethodGet, p.peer()+"summary", nil, nil)
			if err != nil {
				return err
			}
			lines := strings.Fields(strings.ReplaceAll(string(a.body), " ", "="))
			slices.Sort(lines)
			sum := strings.Join(lines, " ")
			if first == "" {
				first = sum
			}
			if sum != first || sum == "" {
				return fmt.Errorf("%s holds %q, %s %q", nodes[0], first, p, sum)
			}
		}
		return nil
	})
	c.t.Logf("every store held every batch after %v more", took.Round(time.Millisecond))
}
