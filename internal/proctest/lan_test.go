//go:build linux

package proctest

import (
	"fmt"
	"strconv"
	"testing"
)

// lan is a network with a switch and one cable for each node.
type lan struct {
	hub   *space
	nodes []*space
}

const lanNet = "10.77.7" // it exists only within the spaces

// newLAN connects n places; place i has the address lanNet.i, from 1.
func newLAN(t *testing.T, n int) *lan {
	t.Helper()
	l := &lan{hub: newSpace(t, "net")}
	l.hub.must("ip link add switch type bridge", "ip link set switch up", "ip addr add "+lanNet+".254/24 dev switch")
	for i := 1; i <= n; i++ {
		place := newSpace(t, "net")
		port := "port" + strconv.Itoa(i)
		l.hub.must(fmt.Sprintf("ip link add %s type veth peer name eth0 netns %d", port, place.pid),
			"ip link set "+port+" master switch", "ip link set "+port+" up")
		place.must(fmt.Sprintf("ip addr add %s.%d/24 dev eth0", lanNet, i), "ip link set eth0 up", "ip link set lo up",
			"iptables -w -L -n")
		l.nodes = append(l.nodes, place)
	}
	return l
}

// newClusterOn describes a cluster with a node at every place of the network; its clients are at the switch.
func newClusterOn(t *testing.T, l *lan, copies int) *cluster {
	t.Helper()
	c := &cluster{t: t, copies: copies, founded: len(l.nodes), net: lanNet, http: newHTTP(l.hub.dial)}
	for _, place := range l.nodes {
		p := c.add()
		p.in, p.args = place.enter(), append(p.args, "--insecure") // no other machine reaches the network of the test
	}
	t.Cleanup(c.close)
	return c
}
