//go:build linux

package proctest

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// way is the network between senders and the nodes of a cluster. It loses answers: the node stores the whole request,
// and the sender sees the connection end instead of the answer.
type way struct {
	t       *testing.T
	c       *cluster
	servers []*httptest.Server // one in front of each node

	mu       sync.Mutex
	lose     int // POSTs whose answers are still to be lost
	arrivals []arrival
}

// arrival is a POST as it came to a node.
type arrival struct {
	path, key, media string
	body             []byte
}

// newWay returns the way to the nodes of a cluster that runs.
func newWay(c *cluster) *way {
	w := &way{t: c.t, c: c}
	for _, p := range c.nodes {
		s := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) { w.pass(p, out, in) }))
		w.t.Cleanup(s.Close)
		w.servers = append(w.servers, s)
	}
	return w
}

// addr returns the address in front of a node.
func (w *way) addr(node int) string { return w.servers[node].Listener.Addr().String() }

// turns returns an address in front of all nodes, which get a request each in turn.
func (w *way) turns() string {
	var requests atomic.Uint32
	s := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		w.pass(w.c.nodes[int(requests.Add(1))%len(w.c.nodes)], out, in)
	}))
	w.t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// loseAnswers loses the answers of the next POSTs, and forgets the arrivals so far.
func (w *way) loseAnswers(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lose, w.arrivals = n, nil
}

// arrived returns the POSTs that came to nodes since the last call of loseAnswers.
func (w *way) arrived() []arrival {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]arrival(nil), w.arrivals...)
}

// pass repeats a request at the node while the answer is a 503, because this machine may be busy. Senders see no such 503.
func (w *way) pass(p *process, out http.ResponseWriter, in *http.Request) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return
	}
	res, text, err := w.send(p, in, body)
	for begun := time.Now(); err == nil && res.StatusCode == http.StatusServiceUnavailable && time.Since(begun) < patience; {
		pause(50 * time.Millisecond)
		res, text, err = w.send(p, in, body)
	}
	if err != nil || in.Method == http.MethodPost && w.loses(in, body) {
		if conn, _, err := http.NewResponseController(out).Hijack(); err == nil {
			conn.Close()
		}
		return
	}
	maps.Copy(out.Header(), res.Header)
	out.WriteHeader(res.StatusCode)
	out.Write(text)
}

// send makes one request at a node.
func (w *way) send(p *process, in *http.Request, body []byte) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(in.Context(), in.Method, p.url()+in.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	req.Header = in.Header.Clone()
	res, err := w.c.http.Transport.RoundTrip(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res, text, err
}

// loses notes a POST, and reports whether its answer is lost.
func (w *way) loses(in *http.Request, body []byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.arrivals = append(w.arrivals, arrival{
		path: in.URL.Path, key: in.Header.Get("Idempotency-Key"), media: in.Header.Get("Content-Type"), body: body,
	})
	lost := w.lose > 0
	if lost {
		w.lose--
	}
	return lost
}

// needPrograms skips the test if a program is missing. In CI, which installs the programs, it fails the test.
func needPrograms(t *testing.T, programs ...string) {
	t.Helper()
	for _, name := range programs {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed: .ci/run installs it", name)
		}
		t.Skipf("%s is not installed", name)
	}
}

// background starts a program, which dies with the test. A failure of the test shows its output.
func background(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	file := filepath.Join(t.TempDir(), "output")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // with the workers of nginx
		cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(file)
			t.Logf("%s: %s", name, text)
		}
	})
	return cmd
}

// guide returns the first block of text with a beginning that a page of docs/integrations shows. Each pair of
// replacements is a text of the page and a text of the test. A text that the block does not have fails the test.
func guide(t *testing.T, page, beginning string, replacements ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../docs/integrations", page))
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range blocks(string(text)) {
		if !strings.HasPrefix(block, beginning) {
			continue
		}
		for i := 0; i < len(replacements); i += 2 {
			if !strings.Contains(block, replacements[i]) {
				t.Fatalf("%s does not have %q", page, replacements[i])
			}
			block = strings.ReplaceAll(block, replacements[i], replacements[i+1])
		}
		return block
	}
	t.Fatalf("%s has no block that begins with %q", page, beginning)
	return ""
}

// blocks returns the indented blocks of a page. Empty lines within a block belong to it.
func blocks(page string) (all []string) {
	var block strings.Builder
	for line := range strings.Lines(page + "\nend\n") {
		indented, ok := strings.CutPrefix(line, "    ")
		switch {
		case ok:
			block.WriteString(indented)
		case strings.TrimSpace(line) == "" && block.Len() > 0:
			block.WriteString("\n")
		case block.Len() > 0:
			all = append(all, block.String())
			block.Reset()
		}
	}
	return all
}

// write writes a file into a new folder, and returns its name.
func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}
