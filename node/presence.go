package node

import (
	"maps"
	"slices"
	"time"

	"flowring/ring/roster"
)

// firstAbsence is how long a node that was not seen since the start may be absent before that is said: others may be about to start too.
const firstAbsence = 5 * time.Second

// presence is which nodes of the roster are there, and since when others are not. It serves one goroutine.
type presence struct {
	seen map[string]bool      // nodes that were there at some time since the start
	away map[string]time.Time // nodes that are not there, and since when
	said map[string]bool      // those of them of which that was said
}

// returned is a node that is there again.
type returned struct {
	name string
	away time.Duration
}

// step takes in which nodes the roster has, true for those that are there. It returns those that went away, and those that returned: each is
// returned once. A node that is off the roster is neither.
func (p *presence) step(now time.Time, nodes map[string]bool) (gone []string, back []returned) {
	next := presence{map[string]bool{}, map[string]time.Time{}, map[string]bool{}}
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		since, was := p.away[name]
		next.seen[name] = p.seen[name] || nodes[name]
		switch {
		case nodes[name] && p.said[name]:
			back = append(back, returned{name, now.Sub(since)})
		case nodes[name]:
		case !was:
			since = now
			fallthrough
		default:
			next.away[name] = since
			next.said[name] = p.said[name] || p.seen[name] || now.Sub(since) >= firstAbsence
			if next.said[name] && !p.said[name] {
				gone = append(gone, name)
			}
		}
	}
	*p = next
	return gone, back
}

// there reports whether the node of a store is there: the gossip sees it, and calls to it are heard. Writes count on no other.
func (n *Node) there(id roster.StoreID) bool {
	node, _, live := n.directory.node(id)
	return id == n.membership.Self().ID || live && !n.client.Gone(node.Peer)
}

// notice logs the nodes that went away and those that returned.
func (n *Node) notice() {
	nodes := map[string]bool{}
	for _, s := range n.membership.Roster().Stores() {
		if s.Name != n.cfg.Name && s.Established {
			nodes[s.Name] = nodes[s.Name] || n.there(s.ID)
		}
	}
	gone, back := n.presence.step(time.Now(), nodes)
	for _, name := range gone {
		n.log.Warn("node away", "node", name)
	}
	for _, b := range back {
		n.log.Info("node is back", "node", b.name, "away", b.away.Round(time.Second/10))
	}
}
