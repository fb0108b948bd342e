//go:build linux

package proctest

import (
	"fmt"
	"testing"
	"time"
)

// TestPartitions cuts one of three nodes off in several ways, while clients reach all nodes. After the cut all nodes
// return the same documents without an operator (P6), and no complete read was wrong during the cut (P4).
func TestPartitions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		rules []string // of iptables at n1; %s is another node
	}{
		{"halves", []string{"INPUT -s %s", "OUTPUT -d %s"}},
		{"it does not hear the others", []string{"INPUT -s %s"}},
		{"the others do not hear it", []string{"OUTPUT -d %s"}},
		{"gossip only", []string{
			"INPUT -s %s -p udp --dport 7946", "OUTPUT -d %s -p udp --dport 7946",
			"INPUT -s %s -p tcp --dport 7946", "OUTPUT -d %s -p tcp --dport 7946",
		}},
		{"peer port only", []string{"INPUT -s %s -p tcp --dport 8081", "OUTPUT -d %s -p tcp --dport 8081"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLAN(t, 3)
			c := newClusterOn(t, l, 3)
			c.start()
			for _, lasts := range partitionLengths() {
				c.partition(l.nodes[0], tt.rules, lasts)
			}
		})
	}
}

func partitionLengths() []time.Duration {
	if long() {
		return []time.Duration{time.Minute, 5 * time.Minute}
	}
	return []time.Duration{5 * time.Second}
}

// partition cuts n1, heals the cut, and checks.
func (c *cluster) partition(n1 *space, rules []string, lasts time.Duration) {
	c.t.Helper()
	all := c.startLoad(3, 2)
	majority := c.startLoadAt(c.nodes[1:], 3, 1)
	pause(500 * time.Millisecond)
	for _, other := range c.nodes[1:] {
		for _, rule := range rules {
			n1.must("iptables -w -A " + fmt.Sprintf(rule, other.host) + " -j DROP")
		}
	}
	pause(lasts)
	n1.must("iptables -w -F")
	healed := time.Now()
	pause(500 * time.Millisecond)
	all.end()
	majority.finish(c.nodes...)
	all.finish(c.nodes...)
	c.sameStores(c.nodes...)
	c.t.Logf("cut for %v, all as before %v after it was healed", lasts, time.Since(healed).Round(time.Millisecond))
}
