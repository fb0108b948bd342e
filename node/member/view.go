package member

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/hashicorp/memberlist"

	"flowring/internal/compat"
)

// Node is one live node, from its gossip metadata.
type Node struct {
	Name    string `json:"n"`           // stable name
	Store   string `json:"s"`           // store ID
	Start   string `json:"t"`           // nonce of this process start; a later start compares greater
	HTTP    string `json:"h"`           // address of the public API
	Peer    string `json:"p"`           // address of the node-to-node protocol
	Cluster string `json:"c,omitempty"` // cluster ID, once there is one
	Params  string `json:"v"`           // parameters shared by the whole cluster
	Offer   string `json:"w,omitempty"` // compat.Offer; empty: version 1 alone
	TLS     bool   `json:"x,omitempty"` // the node speaks TLS on its peer port
	Gossip  string `json:"-"`           // address of the gossip, from the library
}

// member is the node's name in the gossip: unique per process start.
func (n Node) member() string { return n.Name + "-" + n.Start }

// encode returns the metadata, at most memberlist.MetaMaxSize bytes.
func (n Node) encode() ([]byte, error) {
	meta, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	if len(meta) > memberlist.MetaMaxSize {
		return nil, fmt.Errorf("metadata takes %d bytes of %d: shorten the node's name or its addresses",
			len(meta), memberlist.MetaMaxSize)
	}
	return meta, nil
}

// decodeNode copies the library's node, because the library goes on using n.
func decodeNode(n *memberlist.Node) (Node, error) {
	var node Node
	if err := json.Unmarshal(n.Meta, &node); err != nil {
		return Node{}, fmt.Errorf("metadata of %s: %w", n.Name, err)
	}
	if node.member() != n.Name {
		return Node{}, fmt.Errorf("metadata of %s names %s", n.Name, node.member())
	}
	node.Gossip = n.Address()
	return node, nil
}

// checkOffer refuses a node whose versions do not fit those of n.
func (n Node) checkOffer(other Node) error {
	mine, err := compat.ParseOffer(n.Offer)
	if err != nil {
		return err
	}
	theirs, err := compat.ParseOffer(other.Offer)
	if err == nil {
		err = mine.Check(theirs)
	}
	if err != nil {
		return fmt.Errorf("node %s at %s: %w", other.Name, other.Gossip, err)
	}
	return nil
}

// View is an immutable set of live nodes, this one included, sorted by name.
type View struct {
	Nodes []Node
}

// newView keeps the latest start of each node name.
func newView(alive map[string]Node) *View {
	latest := make(map[string]Node, len(alive))
	for _, n := range alive {
		if old, ok := latest[n.Name]; !ok || n.Start > old.Start {
			latest[n.Name] = n
		}
	}
	v := &View{Nodes: make([]Node, 0, len(latest))}
	for _, n := range latest {
		v.Nodes = append(v.Nodes, n)
	}
	slices.SortFunc(v.Nodes, func(a, b Node) int { return strings.Compare(a.Name, b.Name) })
	return v
}

// Node returns the live node called name.
func (v *View) Node(name string) (Node, bool) {
	i, ok := slices.BinarySearchFunc(v.Nodes, name, func(n Node, name string) int { return strings.Compare(n.Name, name) })
	if !ok {
		return Node{}, false
	}
	return v.Nodes[i], true
}

// Names returns the names of the live nodes, sorted.
func (v *View) Names() []string {
	names := make([]string, len(v.Nodes))
	for i, n := range v.Nodes {
		names[i] = n.Name
	}
	return names
}
