package founding

import (
	"maps"
	"slices"
	"testing"

	"flowring/node/peer"
	"flowring/ring/roster"
)

func TestAgreementToANewCluster(t *testing.T) {
	names := []string{"a", "b"}
	member, err := roster.Roster{}.WithCluster(roster.NewClusterID())
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
		if got := Agrees(tt.says, names); got != tt.want {
			t.Errorf("%s: Agrees = %t, want %t", tt.name, got, tt.want)
		}
	}
}

func TestTheFounderIsTheFirstNodeThatAllOthersReach(t *testing.T) {
	for _, tt := range []struct {
		name  string
		calls map[string][]string
		want  string
	}{
		{"all call all", map[string][]string{"a": {"b", "c"}, "b": {"a", "c"}, "c": {"a", "b"}}, "a"},
		{"nobody calls the first", map[string][]string{"a": {"b"}, "b": {"c"}, "c": {"b"}}, "b"},
		{"all lead to it over others", map[string][]string{"a": {"b"}, "b": {"c"}, "c": {"a"}}, "a"},
		{"two groups, one calls the other", map[string][]string{"a": {"b"}, "b": {"a", "c"}, "c": {"d"}, "d": {"c"}}, "c"},
		{"two groups that one calls", map[string][]string{"a": {"b", "d"}, "b": {"c"}, "c": {"b"}, "d": {"e"}, "e": {"d"}}, ""},
		{"one alone", map[string][]string{"a": nil}, "a"},
	} {
		if got := Founder(slices.Sorted(maps.Keys(tt.calls)), tt.calls); got != tt.want {
			t.Errorf("%s: Founder = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAnExpectationIsMet(t *testing.T) {
	for _, tt := range []struct {
		name string
		Expectation
		want bool
	}{
		{"as many as expected are there", Expectation{sees: []string{"a", "b"}, expect: 2}, true},
		{"more are there", Expectation{sees: []string{"a", "b", "c"}, expect: 2}, true},
		{"too few are there", Expectation{sees: []string{"a"}, expect: 2}, false},
		{"others are there", Expectation{sees: []string{"a", "b"}, unseen: []string{"10.0.0.3:7946"}, expect: 2}, false},
	} {
		if got := tt.Met(); got != tt.want {
			t.Errorf("%s: Met() = %t, want %t", tt.name, got, tt.want)
		}
	}
}
