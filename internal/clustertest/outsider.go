package clustertest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"flowring/store/journal/journaltest"
)

// An outsider is a node that must never have to do with the cluster: one of another installation that begins at an address that a node of
// the cluster had.

// outsider starts a node that is none of the cluster's at an address. It joins the addresses given.
func (c *Cluster) outsider(name, addr string, join []string) error {
	m := &Machine{
		Name: name, Disk: journaltest.NewDisk(rand.New(rand.NewPCG(c.opts.Seed, 1000))), addr: addr, life: make(chan struct{}, 1), join: []string{},
	}
	for _, other := range join {
		m.join = append(m.join, at(other, GossipPort))
	}
	c.alien = append(c.alien, m)
	return c.boot(m)
}

// squat starts nodes of another installation, which name each other: the first of them at the address that a node of the cluster had last.
func (r *runner) squat(of string, names []string) error {
	addrs := []string{r.c.Addr(of)}
	for i := range 2 {
		addrs = append(addrs, fmt.Sprintf("10.250.0.%d", i+1))
	}
	for i, name := range names {
		if err := r.c.outsider(name, addrs[i], addrs); err != nil {
			return err
		}
	}
	return nil
}

// judgeOutsiders finds a fault in each outsider that knows a store of the cluster, or that a node of the cluster knows.
func (r *runner) judgeOutsiders() {
	stores := map[string]string{}
	for _, name := range r.c.Running() {
		for _, m := range r.c.Node(name).Members().Members {
			stores[m.Store] = name
		}
	}
	for _, m := range r.c.alien {
		var known []string
		for _, s := range m.node.Members().Members {
			if by, ok := stores[s.Store]; ok {
				known = append(known, by)
			}
		}
		if len(known) > 0 {
			slices.Sort(known)
			r.check.Fault("%s of another installation and %s of the cluster know one store (P4)", m.Name, strings.Join(slices.Compact(known), ", "))
		}
	}
}
