//go:build linux

package proctest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"flowring/internal/compat"
)

// previousFile has the commit of the previous program. Its nodes have to work beside those of this program.
const previousFile = "../compat/previous"

// TestMixedCluster upgrades a cluster of the previous program while clients write and read: all nodes but one and back,
// and then all nodes. No read is low at any time, and the totals are exact at the end (P2, P4, P5, P6). Between the
// programs each node answers for hours of several slices too, which this program sends in another form to its like. Then
// the previous program refuses the data folder and leaves it as it is, if this program has turned a newer version on.
func TestMixedCluster(t *testing.T) {
	t.Parallel()
	skipShort(t)
	previous, speaks := buildPrevious(t)
	for _, tt := range []struct{ copies, slices int }{{3, 1}, {2, 4}} {
		t.Run(fmt.Sprintf("%d copies of %d slices", tt.copies, tt.slices), func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, tt.copies, 3)
			for _, p := range c.nodes {
				p.binary, p.args = previous, append(p.args, "--hour-slices", strconv.Itoa(tt.slices))
			}
			c.start()
			l := c.run(&load{nodes: slices.Clone(c.nodes), total: tt.copies == len(c.nodes)}, 2, 2)
			c.replace("", c.nodes[1:]...)
			l.readEverywhere()
			c.replace(previous, c.nodes[1:]...)
			c.replace("", c.nodes...)
			c.waitVersion(compat.Newest)
			l.finish(c.nodes...)
			if l.total {
				c.sameStores(c.nodes...)
			}
			if compat.Newest > speaks {
				c.mustRefuseFolder(c.nodes[0], previous, speaks)
			}
		})
	}
}

// readEverywhere reads an hour completely at each node, while the load goes on.
func (l *load) readEverywhere() {
	l.c.t.Helper()
	for _, p := range l.c.nodes {
		hour := l.book.present()
		owed := l.book.Owed(hour)
		if err := l.book.judge(hour, owed, l.c.completeDocument(p, hour)); err != nil {
			l.c.t.Errorf("at %s: %v", p, err)
		}
	}
}

// buildPrevious builds the previous program, and returns its file and the newest version that it speaks.
func buildPrevious(t *testing.T) (binary string, speaks compat.Version) {
	t.Helper()
	text, err := os.ReadFile(previousFile)
	if err != nil {
		t.Fatal(err)
	}
	commit, dir := strings.TrimSpace(string(text)), t.TempDir()
	must := func(in, name string, args ...string) {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Env = in, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
	}
	if out, err := exec.Command("git", "cat-file", "-e", commit+"^{commit}").CombinedOutput(); err != nil {
		t.Skipf("git does not have the commit %s of %s, as in a shallow clone: %s", commit, previousFile, out)
	}
	archive, source := filepath.Join(dir, "source.tar"), filepath.Join(dir, "source")
	if err := os.Mkdir(source, 0o700); err != nil {
		t.Fatal(err)
	}
	must("../..", "git", "archive", "--output", archive, commit)
	must(source, "tar", "-xf", archive)
	binary = filepath.Join(dir, "flowring")
	must(source, "go", "build", "-trimpath", "-o", binary, "./cmd/flowring")
	return binary, newestIn(t, source)
}

// newestIn returns the newest version that the program of a source speaks.
func newestIn(t *testing.T, source string) compat.Version {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(source, "internal/compat/versions.go"))
	if errors.Is(err, fs.ErrNotExist) {
		return 1 // of a program before versions
	}
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`\n\tNewest Version = (\d+)\n`).FindSubmatch(text)
	if found == nil {
		t.Fatal("the previous program has no compat.Newest")
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return compat.Version(n)
}

// replace restarts nodes with another program, one after the other; "" is the program of the tests.
func (c *cluster) replace(binary string, nodes ...*process) {
	c.t.Helper()
	for _, p := range nodes {
		pause(300 * time.Millisecond) // the clients also use the cluster as it is
		p.terminate()
		p.binary = binary
		c.restart(p)
		c.used(p)
	}
}

// waitVersion waits until a version is on at all nodes.
func (c *cluster) waitVersion(v compat.Version) {
	c.t.Helper()
	if v == 1 {
		return
	}
	want := fmt.Sprintf("\nflowring_cluster_version %d\n", v)
	c.eventually(func() error {
		for _, p := range c.nodes {
			a, err := c.get(p, "/metrics")
			if err == nil && !strings.Contains(string(a.body), want) {
				err = fmt.Errorf("%s does not have %q", p, want)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// mustRefuseFolder starts another program, which speaks versions up to the given one, on the folder of a node. It has to
// end with both versions in its message, and to change nothing.
func (c *cluster) mustRefuseFolder(p *process, binary string, speaks compat.Version) {
	c.t.Helper()
	p.terminate()
	before := filesOf(c.t, p.data)
	p.binary = binary
	p.start()
	status, err := p.wait(patience)
	if err != nil || exitCode(status) == 0 {
		c.t.Errorf("the previous program on the folder of %s: %v, %v, want an error", p, status, err)
	}
	log, err := os.ReadFile(p.log)
	if err != nil {
		c.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	last := lines[len(lines)-1]
	reads := compat.Range{Oldest: compat.Oldest, Newest: speaks}.String()
	for _, want := range []string{fmt.Sprintf("version %d", compat.Newest), reads} {
		if !strings.Contains(last, want) {
			c.t.Errorf("the previous program says %q, want %q in it", last, want)
		}
	}
	if after := filesOf(c.t, p.data); after != before {
		c.t.Errorf("the previous program has changed the folder:\n%s\nbefore:\n%s", after, before)
	}
}

// filesOf returns the names and the hashes of the files of a folder.
func filesOf(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		fmt.Fprintf(&all, "%s %x\n", path, sha256.Sum256(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
