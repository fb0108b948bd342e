package clustertest

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"flowring/internal/compat"
	"flowring/internal/racetest"
	"flowring/ring/roster"
)

// count returns the number of lines with all parts.
func (b *lockedBuffer) count(parts ...string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
lines:
	for line := range strings.Lines(b.Buffer.String()) {
		for _, part := range parts {
			if !strings.Contains(line, part) {
				continue lines
			}
		}
		n++
	}
	return n
}

// upgrade restarts a node with a program that speaks version 1 to this one.
func (c *Cluster) upgrade(t *testing.T, name string, newest compat.Version) {
	t.Helper()
	if err := c.Stop(name, 25*time.Second); err != nil {
		t.Error(err)
	}
	c.SetNewest(name, newest)
	c.Start(name)
}

// versionOf returns the version that is on at a node.
func (c *Cluster) versionOf(t *testing.T, name string) compat.Version {
	t.Helper()
	heard, err := c.exchange(name, roster.Roster{})
	if err != nil {
		t.Fatal(err)
	}
	return heard.Version()
}

// mustHaveVersion fails the test unless all running nodes have the version on.
func (c *Cluster) mustHaveVersion(t *testing.T, when string, want compat.Version) {
	t.Helper()
	for _, name := range c.Running() {
		if got := c.versionOf(t, name); got != want {
			t.Errorf("%s: version %d is on at %s, want %d", when, got, name, want)
		}
	}
}

// A rolling upgrade of all nodes but one can be taken back. The version turns on once the last store speaks it. Afterwards
// an old program refuses its folder.
func TestARollingUpgradeTurnsTheVersionOnAtItsEnd(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		var log lockedBuffer
		c := formed(t, 3, Options{Copies: 3, Newest: 1, Log: slog.New(slog.NewTextHandler(&log, nil))})
		steps := []struct {
			when    string
			name    string
			version compat.Version
		}{
			{"up", "a", 2}, {"up", "b", 2}, {"and back", "a", 1}, {"and back", "b", 1},
			{"the last one alone", "c", 2}, {"up again", "a", 2},
		}
		for _, step := range steps {
			c.upgrade(t, step.name, step.version)
			c.mustAgree(t, agreeWithin)
			time.Sleep(15 * time.Minute)
			c.mustHaveVersion(t, step.when, 1)
		}
		if n := log.count("cluster version held back", "version=2", "on=1", "stores=b"); n == 0 || n > 12 {
			t.Errorf("%d lines say that b holds version 2 back, want some, one each 10 minutes for each node", n)
		}
		c.upgrade(t, "b", 2)
		c.mustAgree(t, agreeWithin)
		time.Sleep(5 * time.Second)
		c.mustHaveVersion(t, "after the last upgrade", 2)
		if log.count("cluster version turned on", "version=2", "before=1") == 0 {
			t.Error("no line says that version 2 is on")
		}
		if err := c.Stop("a", 25*time.Second); err != nil {
			t.Error(err)
		}
		c.SetNewest("a", 1)
		want := "the data folder has version 2, this program reads version 1"
		if err := c.start("a"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("start of the old program = %v, want %q", err, want)
		}
		c.SetNewest("a", 2)
		c.Start("a")
		c.mustAgree(t, agreeWithin)
	})
}

// An absent store holds a version back by its last word, until the cluster forgets it. Then its node is refused by name.
func TestAnAbsentStoreHoldsAVersionBackUntilItIsForgotten(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := formed(t, 4, Options{Copies: 3, Quorum: 2, Newest: 1})
		c.Kill("d")
		for _, name := range []string{"a", "b", "c"} {
			c.upgrade(t, name, 2)
		}
		time.Sleep(10 * time.Minute)
		c.mustHaveVersion(t, "while d is absent", 1)
		time.Sleep(10 * time.Minute)
		c.mustHaveVersion(t, "once d is forgotten", 2)
		c.Start("d")
		c.Start("e") // with an empty folder, and an old program too
		time.Sleep(time.Minute)
		for _, name := range []string{"d", "e"} {
			got := ""
			if err := c.Node(name).Ready(); err != nil {
				got = err.Error()
			}
			if want := "version 2 is on there, and this node speaks version 1"; !strings.Contains(got, want) {
				t.Errorf("Ready of %s = %q, want %q", name, got, want)
			}
		}
		if view := c.Node("a").Members(); len(view.Members) != 3 {
			t.Errorf("a knows %d stores, want 3: refused nodes do not join", len(view.Members))
		}
		for _, name := range []string{"d", "e"} {
			c.upgrade(t, name, 2)
		}
		c.mustAgree(t, time.Minute)
	})
}
