package node

import (
	"net"
	"net/http/httptest"
	"testing"
)

// Peers call each other by names that operators gave them, and these may be names of loopback, as a machine's own often is.
func TestANodeOnLoopbackHasTheNamesThatItIsGiven(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	n := &Node{cfg: Config{AdvertiseHost: "Node-A.example", AllowedHost: []string{"flows.example"}}}
	g, err := n.guard(l, "listen.example:8080", nil)
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{
		"node-a.example:8080": true, "FLOWS.example.": true, "listen.example": true, "localhost": true, "node-b.example": false,
	} {
		r := httptest.NewRequest("GET", "/livez", nil)
		r.Host = host
		if err := g.Check(r); (err == nil) != want {
			t.Errorf("a request with Host %s = %v, want it to pass: %v", host, err, want)
		}
	}
}
