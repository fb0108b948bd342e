package load

import (
	"fmt"
	"strconv"
	"strings"

	"flowring/flow"
)

// Expectation is the expected totals of one hour after a run. It is for one goroutine.
//
// For each flow i, least[i] <= totals <= most[i]. The two bounds are equal unless the outcome of a post is unknown,
// because the cluster may have counted such a post or not (P3).
type Expectation struct {
	gen         *Generator
	least, most []flow.Totals
	seen        []bool

	Flows int    // flows of this run in the answers
	Wrong int    // flows with wrong totals, and missing flows
	First string // description of the first wrong flow
}

// ByHour returns the posts 0 to n-1 by their hours.
func (g *Generator) ByHour(n int64) map[flow.Hour][]int64 {
	posts := map[flow.Hour][]int64{}
	for post := range n {
		hour := g.shape.Newest - flow.Hour(g.draws(post).hour)
		posts[hour] = append(posts[hour], post)
	}
	return posts
}

// Expect returns the expectation for an hour. It is given the posts of the hour and their outcomes.
func (g *Generator) Expect(posts []int64, outcome func(n int64) Outcome) *Expectation {
	e := &Expectation{gen: g, least: make([]flow.Totals, g.shape.Flows), most: make([]flow.Totals, g.shape.Flows),
		seen: make([]bool, g.shape.Flows)}
	for _, post := range posts {
		if how := outcome(post); how != Refused {
			d := g.draws(post)
			e.count(&d, how)
		}
	}
	return e
}

func (e *Expectation) count(d *draws, how Outcome) {
	for range e.gen.shape.Records {
		i, amount := d.next()
		e.most[i], _ = e.most[i].Add(e.gen.totals[amount])
		if how == Stored {
			e.least[i], _ = e.least[i].Add(e.gen.totals[amount])
		}
	}
}

// Compare compares one flow of the hour in an answer. It ignores flows that are not of this run.
func (e *Expectation) Compare(key flow.Key, got flow.Totals) {
	vpc, ours := strings.CutPrefix(key.VPCID, e.gen.shape.VPC+"-")
	if !ours {
		return
	}
	i, known := e.gen.index(key, vpc)
	if !known {
		e.wrong(key, got, flow.Totals{}, flow.Totals{})
		return
	}
	e.Flows++
	repeated := e.seen[i]
	e.seen[i] = true
	least, most := e.least[i], e.most[i]
	if repeated || !between(least.BytesTx, got.BytesTx, most.BytesTx) ||
		!between(least.BytesRx, got.BytesRx, most.BytesRx) {
		e.wrong(key, got, least, most)
	}
}

func between(least, got, most int64) bool { return least <= got && got <= most }

// Finish reports the flows that no answer has shown.
func (e *Expectation) Finish() {
	for i, seen := range e.seen {
		if !seen && e.least[i] != (flow.Totals{}) {
			e.wrong(e.gen.key(i), flow.Totals{}, e.least[i], e.most[i])
		}
	}
}

func (e *Expectation) wrong(key flow.Key, got, least, most flow.Totals) {
	if e.Wrong++; e.Wrong > 1 {
		return
	}
	want := fmt.Sprintf("%d and %d", least.BytesTx, least.BytesRx)
	if least != most {
		want += fmt.Sprintf(", or up to %d and %d", most.BytesTx, most.BytesRx)
	}
	e.First = fmt.Sprintf("%s to %s in %s has %d and %d bytes, sent were %s",
		key.SrcApp, key.DestApp, key.VPCID, got.BytesTx, got.BytesRx, want)
}

// key returns the key of flow i.
func (g *Generator) key(i int) flow.Key {
	src, dest, vpc := g.split(i)
	app := func(n uint32) string { return fmt.Sprint(g.shape.App, "-", n) }
	return flow.Key{SrcApp: app(src), DestApp: app(dest), VPCID: fmt.Sprint(g.shape.VPC, "-", vpc)}
}

// index is the inverse of key. vpc is the name of the VPC after its prefix.
func (g *Generator) index(key flow.Key, vpc string) (int, bool) {
	apps, vpcs := int(g.apps), g.shape.VPCs
	src, ok1 := number(key.SrcApp, g.shape.App+"-")
	dest, ok2 := number(key.DestApp, g.shape.App+"-")
	v, ok3 := number(vpc, "")
	if !ok1 || !ok2 || !ok3 || src >= apps || dest >= apps || v >= vpcs {
		return 0, false
	}
	d := (dest + apps - int(g.shift[src])) % apps
	rest := d*apps + src
	k := (v + vpcs - rest%vpcs) % vpcs
	i := k*apps*apps + rest
	return i, i < g.shape.Flows
}

func number(name, prefix string) (int, bool) {
	n, err := strconv.ParseUint(strings.TrimPrefix(name, prefix), 10, 31)
	return int(n), err == nil && strings.HasPrefix(name, prefix)
}
