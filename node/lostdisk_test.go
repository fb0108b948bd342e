package node_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// When two of three disks are lost, all nodes are there. Every message therefore names the missing stores, not nodes,
// and the command to take a lost store off the roster (P9).
func TestMessagesNameTheStoresOfLostDisks(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, copies(3, 2))
	c.formed("a", "b", "c")
	c.fill("a", 1)
	for _, name := range []string{"b", "c"} {
		c.kill(name)
		if err := os.RemoveAll(c.configAt(name, 1).DataDir); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range []string{"b", "c"} {
		c.startWith(c.configAt(name, i+2))
	}
	lost := regexp.MustCompile(`b \(store [0-9a-f]{8}\), c \(store [0-9a-f]{8}\).*; .*flowring forget STORE`)
	c.eventually(func() error {
		for _, name := range c.names() {
			_, err := c.post(name, "", of(1, "app", 1))
			read, _ := c.get(name, 0, "")
			for what, got := range map[string]string{"post": fmt.Sprint(err), "get": read.text} {
				if !lost.MatchString(got) {
					return fmt.Errorf("%s at %s: %s, want a match of %s", what, name, got, lost)
				}
			}
			if ready := fmt.Sprint(c.nodes[name].Ready()); name != "a" && (!strings.HasPrefix(ready, "not established: ") || !lost.MatchString(ready)) {
				return fmt.Errorf("Ready() of %s = %s, want not established, and a match of %s", name, ready, lost)
			}
		}
		return nil
	})
}
