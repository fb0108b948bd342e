package node

import (
	"testing"

	"flowring/node/peer"
	"flowring/ring"
)

func TestWhoAgreesToANewCluster(t *testing.T) {
	names := []string{"a", "b"}
	member, err := ring.Roster{}.WithCluster(ring.NewClusterID())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		says peer.Hello
		want bool
	}{
		{"it sees the same nodes", peer.Hello{Sees: names}, true},
		{"it sees another one too", peer.Hello{Sees: []string{"a", "b", "c"}}, false},
		{"it does not see all", peer.Hello{Sees: []string{"b"}}, false},
		{"it says nothing of whom it sees", peer.Hello{}, false},
		{"it waits for somebody", peer.Hello{Sees: names, Waits: true}, false},
		{"it founds a cluster itself", peer.Hello{Sees: names, Founds: true}, false},
		{"it belongs to a cluster", peer.Hello{Sees: names, Roster: member}, false},
	} {
		if got := agrees(tt.says, names); got != tt.want {
			t.Errorf("%s: agrees = %t, want %t", tt.name, got, tt.want)
		}
	}
}

func TestWhatANodeWaitsFor(t *testing.T) {
	for _, tt := range []struct {
		name string
		expectation
		want bool
	}{
		{"as many as expected are there", expectation{sees: []string{"a", "b"}, expect: 2}, true},
		{"more are there", expectation{sees: []string{"a", "b", "c"}, expect: 2}, true},
		{"too few are there", expectation{sees: []string{"a"}, expect: 2}, false},
		{"others are there", expectation{sees: []string{"a", "b"}, unseen: []string{"10.0.0.3:7946"}, expect: 2}, false},
	} {
		if got := tt.met(); got != tt.want {
			t.Errorf("%s: met() = %t, want %t", tt.name, got, tt.want)
		}
	}
}
