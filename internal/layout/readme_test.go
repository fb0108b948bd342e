package layout_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flowring/node"
)

// read returns a file of the repository as text.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReadmeCommandsAreThoseOfCI: what a newcomer is told to run is what every change has to pass.
func TestReadmeCommandsAreThoseOfCI(t *testing.T) {
	readme, ci := read(t, "README.md"), read(t, ".ci/run")
	for _, command := range []string{"go run ./cmd/flowring serve", "go test ./..."} {
		if !strings.Contains(readme, "\n\n    "+command+"\n\n") {
			t.Errorf("README.md has no block of its own for %q", command)
		}
	}
	if !strings.Contains(ci, "\ngo test ./...\n") {
		t.Error(".ci/run does not run go test ./...")
	}
}

// TestReadmeExamplesAreWhatANodeAnswers runs the examples of the README that are for one node, in their order.
func TestReadmeExamplesAreWhatANodeAnswers(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil && os.Getenv("CI") == "" {
		t.Skip("curl is not installed")
	}
	addr := startNode(t)
	readme := read(t, "README.md")
	count := 0
	for _, heading := range []string{"Try it", "Exactly once"} {
		for _, e := range examples(section(readme, heading)) {
			command := strings.ReplaceAll(e.command, node.DefaultHTTPAddr, addr)
			if got := shell(t, command); got != e.output {
				t.Errorf("%s\nprints %q, want as in README.md %q", e.command, got, e.output)
			}
			count++
		}
	}
	if count < 5 {
		t.Errorf("README.md has %d examples under these headings, want at least 5: they are not found", count)
	}
}

// shell runs a command and returns what it prints.
func shell(t *testing.T, command string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("%s: %v\n%s", command, err, stderr.String())
	}
	return stdout.String()
}

// section returns the part of a document below a heading of the second level.
func section(text, heading string) string {
	_, rest, _ := strings.Cut(text, "\n## "+heading+"\n")
	part, _, _ := strings.Cut(rest, "\n## ")
	return part
}

// example is a command of a document and what it says that it prints.
type example struct{ command, output string }

// examples returns the commands of a text, which begin with a dollar in a block and end with their quotes, and the lines below them.
func examples(text string) []example {
	var all []example
	open := false // a command goes on
	for line := range strings.Lines(text) {
		code, isCode := strings.CutPrefix(line, "    ")
		command, begins := strings.CutPrefix(code, "$ ")
		switch {
		case !isCode:
			continue
		case begins:
			all = append(all, example{command: command})
		case len(all) == 0:
			continue
		case open:
			all[len(all)-1].command += code
		default:
			all[len(all)-1].output += code
		}
		open = strings.Count(all[len(all)-1].command, "'")%2 == 1
	}
	return all
}

// startNode runs a node for the length of a test and returns its public address.
func startNode(t *testing.T) string {
	t.Helper()
	cfg := node.Default("n1")
	cfg.MinFree = 0 // whatever the disk of the machine that runs the tests has
	cfg.HTTPAddr, cfg.PeerAddr, cfg.GossipAddr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	cfg.DataDir = t.TempDir()
	n, err := node.New(cfg, node.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Abort(); err != nil {
			t.Logf("stop: %v", err)
		}
	})
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	waitReady(t, n)
	return n.Addresses().HTTP
}

func waitReady(t *testing.T, n *node.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n.Ready() != nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the node is not ready: %v", n.Ready())
		}
	}
}

// get returns the body of the answer to a GET.
func get(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
