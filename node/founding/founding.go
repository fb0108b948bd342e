package founding

import (
	"fmt"
	"slices"
	"strings"

	"flowring/node/member"
	"flowring/node/peer"
)

// Expectation records which of the nodes in the join list are visible.
type Expectation struct {
	sees   []string // names of the nodes in view
	unseen []string // addresses of the join list without a node in view; nil: enough nodes of the list are in view
	expect int      // number of nodes that must see each other

	List member.List // the join list, resolved
}

// Expect returns the expectation of a node that sees the named nodes. At least expect of the nodes in the join list
// must be visible, itself included (all of them if the list is shorter). Otherwise unrelated nodes could satisfy the
// count and found a second cluster.
func Expect(sees []string, list member.List, expect int) *Expectation {
	e := Expectation{sees: sees, expect: expect, List: list}
	if list.Nodes-len(list.Unseen) < min(expect, list.Nodes) {
		e.unseen = list.Unseen
	}
	return &e
}

// Met reports whether all expected nodes are visible.
func (e *Expectation) Met() bool { return len(e.sees) >= e.expect && len(e.unseen) == 0 }

// Sees reports whether the expectation is of a view with exactly these nodes.
func (e *Expectation) Sees(names []string) bool { return slices.Equal(e.sees, names) }

// Missing says which nodes are missing in a view of so many nodes. atLeast is the number that the node expects before
// it knows its join list.
func (e *Expectation) Missing(visible, atLeast int) string {
	if visible >= e.expect && len(e.unseen) > 0 {
		return "no node in view at " + strings.Join(e.unseen, ", ")
	}
	return fmt.Sprintf("%d nodes visible, %d expected", visible, max(e.expect, atLeast))
}

// Calls returns the names of the nodes in view with an address on the join list. If an address leads to any node, it
// returns all nodes in view.
func (e *Expectation) Calls(view *member.View) []string {
	var names []string
	for _, node := range view.Nodes {
		if _, listed := e.List.Others[node.Gossip]; listed || e.List.Indirect {
			names = append(names, node.Name)
		}
	}
	return names
}

// Agrees reports whether a node accepts a new cluster of the nodes with these names.
func Agrees(h peer.Hello, names []string) bool {
	return h.Roster.Cluster() == "" && !h.Founds && !h.Waits && slices.Equal(h.Sees, names)
}

// Founder returns the first name that the join addresses of all other nodes lead to, directly or through other nodes,
// because a node adopts a cluster only from a node that it calls. "": there is none.
func Founder(names []string, calls map[string][]string) string {
	for _, name := range names {
		if len(leadTo(name, calls)) == len(names) {
			return name
		}
	}
	return ""
}

// leadTo returns the nodes whose calls lead to a node, directly or through other nodes, itself included.
func leadTo(name string, calls map[string][]string) map[string]bool {
	reached := map[string]bool{name: true}
	for before := 0; before < len(reached); {
		before = len(reached)
		for from, to := range calls {
			if slices.ContainsFunc(to, func(called string) bool { return reached[called] }) {
				reached[from] = true
			}
		}
	}
	return reached
}
