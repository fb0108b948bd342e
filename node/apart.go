package node

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"flowring/internal/contract"
	"flowring/internal/safeguard"
)

// savedAddresses are the gossip address of a node in its last run and the addresses in its memory. They are one value,
// because a node dials the latter only from the former: a data folder may be a copy, and a node with a copied folder at
// another place would otherwise join or displace the nodes of the original.
type savedAddresses struct {
	At    string   `json:"at"`    // this node's gossip address, host:port; "": unknown
	Known []string `json:"known"` // gossip addresses ever seen, its own included
}

// loadAddresses returns the addresses in the data folder.
func (n *Node) loadAddresses() (w savedAddresses, err error) {
	value, err := n.journal.State(stateWhereabouts)
	if err != nil {
		return w, err
	}
	if value == nil { // an earlier version saved Known alone
		w.Known, err = n.loadNames(stateKnown)
		return w, err
	}
	return parseState[savedAddresses](stateWhereabouts, value)
}

// restoreAddresses makes this node dial the saved addresses, if its own address is the saved one or --rejoin is set.
// Otherwise the node has its join list alone. If that list has only the node itself although the roster has other
// stores, the node stays apart: it calls no other node, answers none, and takes no writes.
func (n *Node) restoreAddresses() error {
	w, err := n.loadAddresses()
	if err != nil {
		return err
	}
	here := n.members.Advertised()
	if w.At == "" || w.At == here || n.cfg.Rejoin || n.deps.Disabled.Has(safeguard.Apart) {
		n.members.AddAddresses(w.Known)
		return nil
	}
	if !n.rosterHasOthers() || n.joinListHasOthers(here) {
		return nil
	}
	others := slices.DeleteFunc(w.Known, func(addr string) bool { return addr == w.At })
	apart := fmt.Errorf("this folder belongs to cluster %s and was last used at %s; give --join, or --rejoin to dial %s",
		n.membership.Roster().Cluster(), w.At, strings.Join(others, ", "))
	n.log.Warn("this node stays apart", "reason", apart)
	n.apartReason.Store(&apart)
	n.members.StayApart()
	n.peerServer.Load().Close(contract.Stranger.Errorf("%w", apart))
	return nil
}

// rosterHasOthers reports whether this node belongs to a cluster with other stores.
func (n *Node) rosterHasOthers() bool {
	roster := n.membership.Roster()
	return roster.Cluster() != "" && len(roster.Stores()) > 1
}

// joinListHasOthers reports whether the join list has an address other than this node's own. A DNS name counts, because
// it may stand for other nodes later.
func (n *Node) joinListHasOthers(here string) bool {
	ip, port, _ := net.SplitHostPort(here)
	return slices.ContainsFunc(n.cfg.Join, func(addr string) bool {
		host, at, err := net.SplitHostPort(addr)
		return err == nil && (at != port || host != ip && host != n.cfg.AdvertiseHost)
	})
}

// apartError returns why this node stays apart; nil: it does not.
func (n *Node) apartError() error {
	if apart := n.apartReason.Load(); apart != nil {
		return *apart
	}
	return nil
}

// saveAddresses saves the addresses of other nodes after a change, so that a node finds its cluster again without join
// addresses. A node apart keeps the addresses of its last run.
func (n *Node) saveAddresses() {
	known := n.members.KnownAddresses()
	if slices.Equal(known, n.savedAddresses) || n.apartError() != nil {
		return
	}
	value, err := json.Marshal(savedAddresses{n.members.Advertised(), known})
	n.savedAddresses = known
	n.saveState(stateWhereabouts, value, err)
}
