// Package admin takes the requests of operators: it asks for the scope admin, logs each call, and reads its parameters.
//
// Each call is one line of the log with audit=true, before it begins or when it is refused. A Door has no state and may
// be used concurrently.
package admin

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strconv"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/router/parameter"
	"flowring/router/principal"
)

// Calls are the calls of operators, by any node for any node. Their errors carry contract.NotFound for an unknown name,
// contract.Guarded if data could be lost, and a *contract.UnavailableError for an unknown outcome.
type Calls interface {
	// Drain takes a node off the roster, after copying its data to other nodes. It is given up when ctx ends.
	Drain(ctx context.Context, node string) error
	// Forget takes the store of a lost node off the roster. With force, records may be lost.
	Forget(ctx context.Context, store string, force bool) error
	// ConfirmRetention closes the hours on which the stores agree, without the limit on their number.
	ConfirmRetention() error
	// Erase plans the erasure of the hours from <= h < to, and takes it further if the hash is that of the plan.
	Erase(ctx context.Context, from, to flow.Hour, hash string) (Erasure, error)
	// Backup makes a backup of the node that is asked, or joins one, and says how far it is.
	Backup(ctx context.Context, name string) (Backup, error)
}

// Backup is the state of a backup.
type Backup struct {
	Name   string `json:"name"`   // of the backup under way: another one than asked for has to end first
	Folder string `json:"folder"` // on the machine of the node
	Done   bool   `json:"done"`
	Error  string `json:"error,omitempty"` // of a backup that has failed; the next call begins it anew
	Bytes  uint64 `json:"bytes"`
	Of     uint64 `json:"of"` // about the bytes of the whole
}

// Erasure is the plan to erase the hours from <= h < to, and how far it is.
type Erasure struct {
	From    flow.Hour `json:"from"`
	To      flow.Hour `json:"to"`
	Hours   int       `json:"hours,omitzero"`   // with data; as the fields below, in a plan alone
	Flows   int64     `json:"flows,omitzero"`   // of all hours; -1: not known, because hours have several slices
	Batches uint64    `json:"batches,omitzero"` // of records, as they were posted
	Bytes   query.Sum `json:"-"`                // sent and received
	Total   string    `json:"bytes,omitzero"`   // Bytes as a decimal number
	Hash    string    `json:"plan,omitzero"`    // names the plan, and the batches
	Stores  int       `json:"stores"`           // of the cluster
	Needed  int       `json:"needed"`           // stores that must have the hours as closed before any deletes them
	Closed  int       `json:"closed"`           // stores that are known to have the hours as closed
	Erased  int       `json:"erased"`           // stores that are known to have the hours as erased
	Done    bool      `json:"done"`             // enough stores have the hours as erased
}

// Door is the way of operators to the calls.
type Door struct {
	Calls Calls
	Gate  *principal.Gate
	Log   *slog.Logger
}

// Drain makes the call that r asks for.
func (d Door) Drain(r *http.Request) error {
	if err := d.check(r); err != nil {
		return err
	}
	node := r.URL.Query().Get("node")
	if node == "" {
		return contract.Query.Errorf("the parameter node is missing: the name of the node to drain")
	}
	return d.Calls.Drain(r.Context(), node)
}

// Forget makes the call that r asks for.
func (d Door) Forget(r *http.Request) error {
	if err := d.check(r); err != nil {
		return err
	}
	store := r.URL.Query().Get("store")
	if store == "" {
		return contract.Query.Errorf("the parameter store is missing: the ID of the store to forget")
	}
	force, err := strconv.ParseBool(cmp.Or(r.URL.Query().Get("force"), "false"))
	if err != nil {
		return contract.Query.Errorf("the parameter force is neither true nor false")
	}
	return d.Calls.Forget(r.Context(), store, force)
}

// ConfirmRetention makes the call that r asks for.
func (d Door) ConfirmRetention(r *http.Request) error {
	if err := d.check(r); err != nil {
		return err
	}
	return d.Calls.ConfirmRetention()
}

// Erase makes the call that r asks for.
func (d Door) Erase(r *http.Request) (Erasure, error) {
	if err := d.check(r); err != nil {
		return Erasure{}, err
	}
	values := r.URL.Query()
	var bounds [2]flow.Hour
	for i, name := range [...]string{"from", "to"} {
		n, err := strconv.ParseInt(values.Get(name), 10, 64)
		if err != nil {
			return Erasure{}, contract.Query.Errorf("the parameter %s is no hour: an integer is meant", name)
		}
		bounds[i] = flow.Hour(n)
	}
	if bounds[0] >= bounds[1] {
		return Erasure{}, contract.Query.Errorf("the range from %d to %d has no hour: to is the hour behind the last one",
			bounds[0], bounds[1])
	}
	state, err := d.Calls.Erase(r.Context(), bounds[0], bounds[1], values.Get("apply"))
	if state.Hash != "" {
		state.Total = state.Bytes.String()
	}
	return state, err
}

// Backup makes the call that r asks for.
func (d Door) Backup(r *http.Request) (Backup, error) {
	if err := d.check(r); err != nil {
		return Backup{}, err
	}
	name := r.URL.Query().Get("name")
	if name == "" {
		return Backup{}, contract.Query.Errorf("the parameter name is missing: the name of the folder to make")
	}
	return d.Calls.Backup(r.Context(), name)
}

// check asks for the scope, and logs the call.
func (d Door) check(r *http.Request) error {
	who, err := d.Gate.Check(r, principal.Admin)
	d.Log.InfoContext(r.Context(), "admin call", "audit", true, "call", r.URL.Path, "for", parameter.Shown(r.URL),
		"principal", who.Name,
		"client", r.RemoteAddr, "allowed", err == nil)
	return err
}
