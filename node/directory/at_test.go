package directory

import (
	"slices"
	"testing"

	"flowring/node/member"
)

// A live node at an address counts before all nodes that were seen there earlier.
func TestTheLiveNodeOfAnAddressCounts(t *testing.T) {
	d := New()
	node := func(name, store, peer string, tls bool) member.Node {
		return member.Node{Name: name, Store: store, Peer: peer, TLS: tls}
	}
	d.Update(&member.View{Nodes: []member.Node{node("a", "1", "x:1", true), node("b", "2", "y:1", false)}})
	d.Update(&member.View{Nodes: []member.Node{node("c", "3", "x:1", false)}})
	for _, tt := range []struct {
		addr  string
		names []string
		speak bool
	}{{"x:1", []string{"c"}, false}, {"y:1", []string{"b"}, false}, {"z:1", nil, false}} {
		if names, speak := d.At(tt.addr); !slices.Equal(names, tt.names) || speak != tt.speak {
			t.Errorf("At(%s) = %v, %t, want %v, %t", tt.addr, names, speak, tt.names, tt.speak)
		}
	}
}
