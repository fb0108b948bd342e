package node_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"flowring/node"
	"flowring/node/access"
	"flowring/router/client"
	"flowring/router/principal"
)

// tokensFile writes the lines of a tokens file, and returns its name.
func tokensFile(t *testing.T, folder string, lines ...string) string {
	t.Helper()
	name := filepath.Join(folder, "tokens")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// request sends a request to a node with a token, empty for none, and returns the status and the body.
func (c *cluster) request(method, name, path, token, body string) (status int, answer string) {
	c.t.Helper()
	req, err := http.NewRequest(method, c.url(name)+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// A token is replaced without a restart: a broken file changes nothing, and a token that is taken out is refused (P17).
func TestTokensAreReplacedWhileANodeRuns(t *testing.T) {
	folder := t.TempDir()
	first, firstLine := principal.New("reader", principal.Read)
	second, secondLine := principal.New("reader", principal.Read)
	c := newCluster(t, 1, func(cfg *node.Config) { cfg.TokensFile = tokensFile(t, folder, firstLine) })
	c.start("n1")
	c.waitReady()
	read := func(token string) int {
		status, _ := c.request("GET", "n1", "/members", token, "")
		return status
	}
	if got := []int{read(""), read(first), read(second)}; got[0] != 401 || got[1] != 200 || got[2] != 401 {
		t.Fatalf("without a token, with that of the file and with another one: %v, want 401, 200, 401", got)
	}
	tokensFile(t, folder, secondLine, "reader reed "+secondLine)
	c.eventually(func() error {
		if !strings.Contains(c.nodes["n1"].log.last(100), "file not usable") {
			return fmt.Errorf("the log does not name the broken file")
		}
		return nil
	})
	if got := []int{read(first), read(second)}; got[0] != 200 || got[1] != 401 {
		t.Errorf("with a broken file, with the old and the new token: %v, want 200, 401", got)
	}
	for _, secret := range []string{first, second, strings.Fields(secondLine)[2]} {
		if strings.Contains(c.nodes["n1"].log.last(1000), secret) {
			t.Error("the log shows a token or its hash")
		}
	}
	tokensFile(t, folder, secondLine)
	c.eventually(func() error {
		if got := []int{read(first), read(second)}; got[0] != 401 || got[1] != 200 {
			return fmt.Errorf("after the reload, with the old and the new token: %v, want 401, 200", got)
		}
		return nil
	})
}

func TestANodeDoesNotStartWithoutItsTokens(t *testing.T) {
	c := newCluster(t, 1, nil)
	for _, lines := range [][]string{nil, {"reader read"}} {
		cfg := c.config("n1")
		if cfg.TokensFile = filepath.Join(t.TempDir(), "tokens"); lines != nil {
			cfg.TokensFile = tokensFile(t, t.TempDir(), lines...)
		}
		if p, err := c.run(cfg); err == nil || !strings.Contains(err.Error(), "tokens: ") {
			t.Errorf("start with the tokens file %q = %v, want an error of the file", lines, err)
			if err == nil {
				p.Abort()
			}
		}
	}
}

// A cluster takes to tokens under load, without a failed post: a rolling restart to permissive nodes, tokens for the
// clients, and a rolling restart to required nodes (P17). Its totals stay exact, because no client changes its token
// between a request and its retry (P2).
func TestTokensAreSwitchedOnUnderLoad(t *testing.T) {
	folder := t.TempDir()
	token, line := principal.New("agent", principal.Write|principal.Read)
	auth := ""
	c := newCluster(t, 3, func(cfg *node.Config) {
		cfg.ReplicationFactor = 3
		if auth != "" {
			cfg.TokensFile, cfg.Auth = tokensFile(t, folder, line), auth
		}
	})
	names := []string{"n1", "n2", "n3"}
	c.formed(names...)
	load := startWriters(c, 4)
	rollTo := func(mode string) {
		auth = mode
		for i, name := range names {
			if err := c.stop(name, patience); err != nil {
				t.Fatal(err)
			}
			c.startWith(c.configAt(name, i+1))
			c.waitReady()
			load.goOn(t)
		}
	}
	rollTo(access.Permissive)
	if c.metric("n1", `flowring_auth_passed_total{address="127.0.0.1",reason="missing"}`) == 0 {
		t.Error("a permissive node counts no request without a token")
	}
	load.token.Store(&token)
	load.goOn(t)
	before := c.metric("n1", `flowring_auth_passed_total{address="127.0.0.1",reason="missing"}`)
	load.goOn(t)
	if after := c.metric("n1", `flowring_auth_passed_total{address="127.0.0.1",reason="missing"}`); after != before+1 {
		t.Errorf("with tokens for all clients flowring_auth_passed_total grew by %v, want the 1 of this test", after-before)
	}
	rollTo(access.Required)
	posts := load.stop(t)
	if status, _ := c.request("POST", "n1", "/flows", "", "[]"); status != 401 {
		t.Errorf("POST without a token at the end = %d, want 401", status)
	}
	status, answer := c.request("GET", "n2", "/flows?hour=20&require=complete", token, "")
	if want := fmt.Sprintf(`"bytes_tx":%d,`, posts); status != 200 || !strings.Contains(answer, want) {
		t.Errorf("GET = %d %s, want %s: each post counts once", status, answer, want)
	}
}

// writers post one record after the other, each with a key, to whichever node answers.
type writers struct {
	token  atomic.Pointer[string]
	posted []atomic.Int64 // by writer
	cancel context.CancelFunc
	done   errgroup.Group
}

func startWriters(c *cluster, n int) *writers {
	ctx, cancel := context.WithCancel(context.Background())
	w := &writers{cancel: cancel, posted: make([]atomic.Int64, n)}
	c.t.Cleanup(func() { cancel(); w.done.Wait() })
	var targets []string
	for _, name := range c.names() {
		targets = append(targets, c.url(name))
	}
	for i := range n {
		w.done.Go(func() error { return w.write(ctx, targets, i) })
	}
	return w
}

// write posts until ctx ends. It ends with the first request that fails for good.
func (w *writers) write(ctx context.Context, targets []string, number int) error {
	for i := 0; ctx.Err() == nil; i++ {
		header := http.Header{}
		if token := w.token.Load(); token != nil {
			header.Set("Authorization", "Bearer "+*token)
		}
		to, err := client.New(client.Config{Targets: targets, Header: header})
		if err != nil {
			return err
		}
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		_, err = to.Post(within, []byte(`[{"src_app":"a","dest_app":"b","vpc_id":"v","bytes_tx":1,"bytes_rx":1,"hour":20}]`),
			client.PostOptions{Key: fmt.Sprintf("%d-%d", number, i)})
		cancel()
		to.Close()
		if err != nil {
			return fmt.Errorf("post %d of writer %d: %w", i, number, err)
		}
		w.posted[number].Add(1)
	}
	return nil
}

// goOn waits until each writer has begun a post and ended it.
func (w *writers) goOn(t *testing.T) {
	t.Helper()
	for i := range w.posted {
		writer := &w.posted[i]
		want := writer.Load() + 2 // the next post to end may have begun before
		if err := poll(func() error {
			if n := writer.Load(); n < want {
				return fmt.Errorf("writer %d has ended %d posts, want %d", i, n, want)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// stop ends the load, and returns the number of posts.
func (w *writers) stop(t *testing.T) int64 {
	t.Helper()
	w.cancel()
	if err := w.done.Wait(); err != nil {
		t.Error(err)
	}
	var all int64
	for i := range w.posted {
		all += w.posted[i].Load()
	}
	return all
}
