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

// whereabouts are where a node was last, and the addresses that it remembers: in one value, because it dials them only while it is there.
// The folder of a node may be a copy: were it to dial from another place, it would join, or displace, the nodes that it was copied from.
type savedAddresses struct {
	At    string   `json:"at"`    // this node's gossip address, host:port; "": not known
	Known []string `json:"known"` // gossip addresses ever seen, its own included
}

// loadWhereabouts returns what the data folder remembers.
func (n *Node) loadAddresses() (w savedAddresses, err error) {
	value, err := n.journal.State(stateWhereabouts)
	if err != nil {
		return w, err
	}
	if value == nil { // an earlier version kept the addresses alone
		w.Known, err = n.loadNames(stateKnown)
		return w, err
	}
	if err := json.Unmarshal(value, &w); err != nil {
		return w, fmt.Errorf("state %q: %w", stateWhereabouts, err)
	}
	return w, nil
}

// goBack makes this node dial the addresses that it remembers, if it is where it was last or was told to. At another place its own list of
// addresses to join is all that it has. Where that list names nobody else although its roster does, the node stays apart: it calls nobody,
// answers nobody, and takes no writes.
func (n *Node) restoreAddresses() error {
	w, err := n.loadAddresses()
	if err != nil {
		return err
	}
	here := n.members.Advertised()
	if w.At == "" || w.At == here || n.cfg.Rejoin || n.deps.Disabled.Has(safeguard.Apart) {
		n.members.Know(w.Known)
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

// knowsOthers reports whether the roster of this node's cluster names another store.
func (n *Node) rosterHasOthers() bool {
	roster := n.membership.Roster()
	return roster.Cluster() != "" && len(roster.Stores()) > 1
}

// namesOthers reports whether the list of addresses to join has one that is not this node's own. A DNS name may come to stand for others.
func (n *Node) joinListHasOthers(here string) bool {
	ip, port, _ := net.SplitHostPort(here)
	return slices.ContainsFunc(n.cfg.Join, func(addr string) bool {
		host, at, err := net.SplitHostPort(addr)
		return err == nil && (at != port || host != ip && host != n.cfg.AdvertiseHost)
	})
}

// stays returns why this node stays apart; nil: it does not.
func (n *Node) apartError() error {
	if apart := n.apartReason.Load(); apart != nil {
		return *apart
	}
	return nil
}

// remember keeps the addresses of other nodes when they change, so that a node finds its cluster again without its join addresses. A node
// that stays apart keeps where it was.
func (n *Node) saveAddresses() {
	known := n.members.Known()
	if slices.Equal(known, n.savedAddresses) || n.apartError() != nil {
		return
	}
	value, err := json.Marshal(savedAddresses{n.members.Advertised(), known})
	n.savedAddresses = known
	n.saveState(stateWhereabouts, value, err)
}
