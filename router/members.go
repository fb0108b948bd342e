package router

import (
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"flowring/internal/contract"
)

// MembersView is the answer to GET /members.
type MembersView struct {
	Cluster string   `json:"cluster"`
	Node    string   `json:"node"` // the answering node
	Members []Member `json:"members"`
	Ring    RingView `json:"ring"`

	Retention contract.Retention `json:"retention,omitzero"` // zero: no node has a retention
}

// Member is one node of the cluster, and its store.
type Member struct {
	Name        string    `json:"name"`
	State       string    `json:"state"` // "alive" or "absent"
	Store       string    `json:"store"` // store ID
	Established bool      `json:"established"`
	Leaving     bool      `json:"leaving"`        // the store is being drained or forgotten
	Drain       *Drain    `json:"drain,omitzero"` // progress of the drain as last reported; nil: no drain
	Addresses   Addresses `json:"addresses"`
	Partitions  int       `json:"partitions"` // of the ring, owned by the store
	Hours       int       `json:"hours"`      // hours with data in the store, as last reported
	Flows       int       `json:"flows"`      // flows in memory, as last reported
	Repairing   int       `json:"repairing"`  // hours whose copies the store compares or fetches, as last reported
	Behind      int64     `json:"behind"`     // batches known to be missing in the store, as last reported
	Unreadable  uint64    `json:"unreadable"` // batches in the store with damaged data, as last reported
	Recovering  bool      `json:"recovering"` // complete reads count the store as silent until others have checked it
}

// Drain is the progress of a drain.
type Drain struct {
	Slices  int `json:"slices"`  // slices with data in the store
	Secured int `json:"secured"` // of these, slices on W other stores
}

// Addresses are the addresses on which a node listens, each as host:port.
type Addresses struct {
	HTTP   string `json:"http"`
	Peer   string `json:"peer"`
	Gossip string `json:"gossip"`
}

// RingView describes the placement of hours.
type RingView struct {
	Partitions        int    `json:"partitions"`
	VirtualNodes      int    `json:"virtual_nodes"`
	HourSlices        int    `json:"hour_slices"`
	ReplicationFactor int    `json:"replication_factor"`
	WriteQuorum       int    `json:"write_quorum"`
	Version           string `json:"version"` // a hash of the placement: equal on all nodes that agree (P7)
}

// Copies says how many copies of a batch there are, and how many of them acknowledge it.
func (r RingView) Copies() string {
	copies, acknowledge := "1 copy", "1 acknowledges"
	if r.ReplicationFactor != 1 {
		copies = strconv.Itoa(r.ReplicationFactor) + " copies"
	}
	if r.WriteQuorum != 1 {
		acknowledge = strconv.Itoa(r.WriteQuorum) + " acknowledge"
	}
	return copies + " of each batch, " + acknowledge + " it"
}

// getMembers answers with the cluster as this node sees it.
func (rt *router) getMembers(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", mediaJSON)
	w.Write(document(rt.Cluster.Members(), jsontext.WithIndent("  "))) // fails only if the client is gone
}

// document returns v in JSON, as a line. It panics for a type without a form in JSON.
func document(v any, options ...json.Options) []byte {
	options = append(options, json.DefaultOptionsV2(), jsontext.AllowInvalidUTF8(true), jsontext.EscapeForJS(true))
	text, err := json.Marshal(v, options...)
	if err != nil {
		panic(err)
	}
	return append(text, '\n')
}
