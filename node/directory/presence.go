package directory

import (
	"maps"
	"slices"
	"time"
)

// firstAbsence is the time before the absence of a node is reported if the node was never present, because other nodes
// may be about to start too.
const firstAbsence = 5 * time.Second

// Presence tracks which nodes of the roster are present. It reports each departure and each return once. The zero value
// has no node. It is for one goroutine.
type Presence struct {
	seen     map[string]bool      // nodes present at some time since the start
	away     map[string]time.Time // absent nodes, with the begin of their absence
	reported map[string]bool      // absent nodes with a reported departure
}

// Return is the return of a node after a reported departure.
type Return struct {
	Name string
	Away time.Duration
}

// Update takes the nodes of the roster, true for a present node. A node without an entry any more neither departs nor
// returns.
func (p *Presence) Update(now time.Time, nodes map[string]bool) (gone []string, back []Return) {
	next := Presence{map[string]bool{}, map[string]time.Time{}, map[string]bool{}}
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		since, wasAway := p.away[name]
		next.seen[name] = p.seen[name] || nodes[name]
		switch {
		case nodes[name] && p.reported[name]:
			back = append(back, Return{name, now.Sub(since)})
		case nodes[name]:
		case !wasAway:
			since = now
			fallthrough
		default:
			next.away[name] = since
			next.reported[name] = p.reported[name] || p.seen[name] || now.Sub(since) >= firstAbsence
			if next.reported[name] && !p.reported[name] {
				gone = append(gone, name)
			}
		}
	}
	*p = next
	return gone, back
}
