package clustertest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"flowring/store/journal/journaltest"
)

// An outsider is a node that must never join the cluster: a node of another installation at a former address of a node
// of the cluster, or a node with a copy of a data folder at a new address.

// outsider starts an outsider at an address, with a copy of a disk or an empty disk, and a join list.
func (c *Cluster) outsider(name string, copied *Machine, addr string, join []string) error {
	m := &Machine{
		Name: name, Disk: journaltest.NewDisk(rand.New(rand.NewPCG(c.opts.Seed, 1000))), addr: addr,
		life: make(chan struct{}, 1), join: []string{},
	}
	if copied != nil {
		m.Disk.Restore(copied.Disk.Image())
	}
	for _, other := range join {
		m.join = append(m.join, at(other, GossipPort))
	}
	c.alien = append(c.alien, m)
	return c.boot(m)
}

// outsiders executes one step about outsiders.
func (r *runner) outsiders(verb string, args []string) error {
	if verb == "copy" {
		return r.copies(args)
	}
	return r.squat(args[0], args[1:])
}

// squat starts nodes of another installation, which join each other. The first node gets the last address of a node of
// the cluster.
func (r *runner) squat(of string, names []string) error {
	addrs := []string{r.c.Addr(of)}
	for i := range 2 {
		addrs = append(addrs, fmt.Sprintf("10.250.0.%d", i+1))
	}
	for i, name := range names {
		if err := r.c.outsider(name, nil, addrs[i], addrs); err != nil {
			return err
		}
	}
	return nil
}

// copies starts nodes on copies of disks, each at a new address. They join each other; a single node joins itself.
func (r *runner) copies(names []string) error {
	r.copied = true
	var addrs []string
	for i := range names {
		addrs = append(addrs, fmt.Sprintf("10.251.0.%d", i+1))
	}
	for i, name := range names {
		if err := r.c.outsider(name, r.c.Machine(name), addrs[i], addrs); err != nil {
			return err
		}
	}
	return nil
}

// judgeCopies finds a fault if a copy and a node of the cluster know each other, and if a single copy does not tell why
// it stays apart.
func (r *runner) judgeCopies() {
	var copies, addrs []string
	for _, m := range r.c.alien {
		copies, addrs = append(copies, at(m.addr, PeerPort)), append(addrs, m.addr)
	}
	for _, name := range r.c.Running() {
		for _, m := range r.c.Node(name).Members().Members {
			if slices.Contains(copies, m.Addresses.Peer) {
				r.check.Fault("%s knows the copy of %s at %s (P9)", name, m.Name, m.Addresses.Peer)
			}
		}
	}
	for _, m := range r.c.alien {
		select {
		case err := <-m.node.Failed():
			r.check.Fault("the copy of %s ends itself: %v (P9)", m.Name, err)
		default:
		}
		for _, other := range m.node.Members().Members {
			if peer := other.Addresses.Peer; peer != "" && !slices.Contains(copies, peer) {
				r.check.Fault("the copy of %s knows %s at %s (P9)", m.Name, other.Name, peer)
			}
		}
		const advice = "give --join, or --rejoin to dial"
		if err := m.node.Ready(); len(addrs) == 1 && !strings.Contains(fmt.Sprint(err), advice) {
			r.check.Fault("the copy of %s stays apart, and says %v (P9)", m.Name, err)
		}
	}
}

// judgeOutsiders finds a fault if an outsider and a node of the cluster know the same store.
func (r *runner) judgeOutsiders() {
	if r.copied {
		r.judgeCopies()
		return
	}
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
			by := strings.Join(slices.Compact(known), ", ")
			r.check.Fault("%s of another installation and %s of the cluster know one store (P4)", m.Name, by)
		}
	}
}
