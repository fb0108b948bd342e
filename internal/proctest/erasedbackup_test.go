//go:build linux

package proctest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"flowring/flow"
	"flowring/internal/compat"
)

// The hours of the test: an operator erases the first ones, and the last one stays.
const erasedFrom, erasedTo, besideErased = flow.Hour(100), flow.Hour(103), flow.Hour(103)

// A backup of one node of three is older than an erasure, and is restored after it, under load. Its disk has the erased hours
// again, and deletes them. No node shows them at any time, also after a restart of all nodes, and they stay closed. The
// other hour is whole (P1 to P6).
func TestABackupFromBeforeAnErasureIsRestored(t *testing.T) {
	t.Parallel()
	c := backedUp(t)
	c.waitVersion(compat.Version(compat.Erasure))
	old := c.nodes[0]
	one, two := requestOf(t, erasedFrom), requestOf(t, erasedFrom+1, besideErased)
	for key, body := range map[string][]byte{"one": one, "two": two} {
		c.answers(c.nodes[1], key, body, http.StatusOK)
	}
	c.sameStores(c.nodes...) // so the backup has these hours
	l := c.run(&load{nodes: slices.Clone(c.nodes), total: true}, 6, 2)
	l.waitPosts(100)
	beside := c.completeDocument(c.nodes[1], besideErased)
	folder := c.backUp(old)
	c.command("erase", "--from", fmt.Sprint(erasedFrom), "--to", fmt.Sprint(erasedTo), "--yes", "--target", c.nodes[2].url())
	c.deletions(old, 1)
	for _, p := range c.nodes {
		for hour := erasedFrom; hour < erasedTo; hour++ {
			c.eventually(func() error { return c.erasedAt(p, hour, false) })
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	for _, p := range c.nodes {
		watching.Go(func() { c.watchErased(ctx, p) })
	}
	t.Cleanup(watching.Wait)
	t.Cleanup(stop)
	old.kill()
	l.waitPosts(200)
	wipe(t, old.data)
	c.command("restore", folder, "--data-dir", old.data)
	c.restart(old)
	c.deletions(old, 2) // those of the backup
	l.waitPosts(200)
	l.finish(c.nodes...)
	c.sameStores(c.nodes...)
	c.judgeErasure(one, two, beside)
	stop()
	watching.Wait()
	for _, p := range c.nodes {
		p.terminate()
	}
	c.start()
	c.judgeErasure(one, two, beside)
}

// requestOf returns a body with records of each hour.
func requestOf(t *testing.T, hours ...flow.Hour) []byte {
	t.Helper()
	var all []agentRecord
	for _, hour := range hours {
		all = append(all, randomRecords(hour, 20)...)
	}
	body, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// answers sends a request until its outcome is known, which must have a status.
func (c *cluster) answers(p *process, key string, body []byte, status int) {
	c.t.Helper()
	header := http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {key}}
	c.eventually(func() error {
		a, err := c.ask(http.MethodPost, p.url()+"/flows", header, body)
		switch {
		case err != nil:
			return err
		case a.status == http.StatusServiceUnavailable:
			return fmt.Errorf("POST of %s at %s: 503 %s", key, p, a.body)
		case a.status != status:
			c.t.Fatalf("POST of %s at %s = %d %s, want %d", key, p, a.status, a.body, status)
		}
		return nil
	})
}

// deletions waits until the log of a node has so many deletions of erased hours.
func (c *cluster) deletions(p *process, want int) {
	c.t.Helper()
	c.eventually(func() error {
		log, err := os.ReadFile(p.log)
		if have := bytes.Count(log, []byte("erased hours deleted")); err == nil && have < want {
			err = fmt.Errorf("%s has deleted erased hours %d times, want %d", p, have, want)
		}
		return err
	})
}

// erasedAt reads an erased hour at a node. It returns an error unless the answer says that the hour is erased. With silence,
// no answer and a 503 are none, because they show nothing.
func (c *cluster) erasedAt(p *process, hour flow.Hour, silence bool) error {
	a, err := c.get(p, fmt.Sprintf("/flows?hour=%d", hour))
	switch {
	case silence && (err != nil || a.status == http.StatusServiceUnavailable):
		return nil
	case err != nil:
		return err
	case a.status != http.StatusOK || a.erased == "" || string(a.body) != "[]\n":
		return fmt.Errorf("hour %d at %s: %d, erased %q: %.200s, want an empty answer with the time", hour, p, a.status, a.erased, a.body)
	}
	return nil
}

// watchErased reads the erased hours at a node again and again, until ctx ends.
func (c *cluster) watchErased(ctx context.Context, p *process) {
	for hour := erasedFrom; ; hour = erasedFrom + (hour+1-erasedFrom)%(erasedTo-erasedFrom) {
		if err := c.erasedAt(p, hour, true); err != nil {
			c.t.Error(err)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(readPause):
		}
	}
}

// judgeErasure checks each node: the hours are erased and closed, a request of two hours is known, and the hour beside them is
// as it was.
func (c *cluster) judgeErasure(one, two, beside []byte) {
	c.t.Helper()
	for _, p := range c.nodes {
		for hour := erasedFrom; hour < erasedTo; hour++ {
			c.eventually(func() error { return c.erasedAt(p, hour, false) })
		}
		c.answers(p, "one", one, http.StatusConflict)
		c.answers(p, "two", two, http.StatusOK)
		if got := c.completeDocument(p, besideErased); !bytes.Equal(got, beside) {
			c.t.Errorf("hour %d at %s has changed", besideErased, p)
		}
	}
}
