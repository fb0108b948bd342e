package operator

import (
	"context"
	"errors"
	"strings"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/node/peer"
	"flowring/ring/roster"
	"flowring/router/admin"
)

// Deps are the collaborators of a Door.
type Deps struct {
	Members func() []Member
	Self    func() roster.Store
	Drain   func(ctx context.Context) error // this node
	Forget  func(ctx context.Context, id roster.StoreID, force bool) error
	Backup  func(ctx context.Context, name string) (admin.Backup, error) // this node
	Erase   func(ctx context.Context, from, to flow.Hour, hash string) (admin.Erasure, error)
	Confirm func() error // closes the hours on which the stores agree
	Client  *peer.Client // for calls that other nodes have to make
	// brings the roster of this node to the others
	Heartbeats func(context.Context) map[roster.StoreID]peer.Hello
}

// Member is a store of the roster, with its node.
type Member struct {
	Name        string // of the node
	Store       roster.StoreID
	Peer        string // address of the peer port; empty: unknown
	Alive       bool
	Established bool
}

// Door takes the calls of operators. It implements admin.Calls of router/admin.
type Door struct{ Deps }

// Drain implements admin.Calls.
func (d Door) Drain(ctx context.Context, name string) error {
	m, err := d.find("node", name, func(m Member) (string, string) { return m.Name, m.Name })
	switch {
	case err != nil:
		return err
	case m.Store == d.Self().ID:
		return asRefusal(d.Deps.Drain(ctx))
	case m.Peer == "":
		return contract.Guarded.Errorf("%s is absent: start it again, or forget its store %s", m.Name, m.Store)
	}
	return asRefusal(d.Client.Drain(ctx, m.Peer))
}

// Backup implements admin.Calls. It makes a backup of this node.
func (d Door) Backup(ctx context.Context, name string) (admin.Backup, error) {
	return d.Deps.Backup(ctx, name)
}

// Erase implements admin.Calls. This node does it: the marks reach the other nodes with its roster.
func (d Door) Erase(ctx context.Context, from, to flow.Hour, hash string) (admin.Erasure, error) {
	state, err := d.Deps.Erase(ctx, from, to, hash)
	if _, _, refused := contract.RefusalOf(err); refused {
		return state, err
	}
	return state, asRefusal(err)
}

// Forget implements admin.Calls. If this store does not count, or is the one to forget, another node does it.
func (d Door) Forget(ctx context.Context, store string, force bool) error {
	gone, err := d.find("store", store,
		func(m Member) (string, string) { return string(m.Store), string(m.Store) + " of " + m.Name })
	if err != nil {
		return err
	}
	if self := d.Self(); self.Counts() && string(self.ID) != store {
		return asRefusal(d.Deps.Forget(ctx, roster.StoreID(store), force))
	}
	for _, m := range d.Members() {
		if m.Store != gone.Store && m.Alive && m.Established && m.Peer != "" {
			return asRefusal(d.Client.Forget(ctx, m.Peer, roster.StoreID(store), force))
		}
	}
	return contract.Guarded.Errorf("no other node is alive")
}

// ConfirmRetention implements admin.Calls. This node does it, and tells the floor to the others at once.
func (d Door) ConfirmRetention() error {
	err := d.Confirm()
	if err == nil {
		d.Heartbeats(context.Background()) // the round has a limit of its own
	}
	return asRefusal(err)
}

// find returns the member whose word, as returned by of, is want. The refusal lists the labels of all members.
func (d Door) find(kind, want string, of func(Member) (word, label string)) (Member, error) {
	var have []string
	for _, m := range d.Members() {
		word, label := of(m)
		if word == want {
			return m, nil
		}
		have = append(have, label)
	}
	return Member{}, contract.NotFound.Errorf("no such %s (%ss: %s)", kind, kind, strings.Join(have, ", "))
}

// asRefusal returns err as a refusal without the path around it. Any other failure than a refusal of the guard
// leaves the outcome unknown, and the call can be repeated.
func asRefusal(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, contract.Guarded) {
		_, detail, _ := contract.RefusalOf(err)
		if refused := (*peer.Error)(nil); errors.As(err, &refused) {
			detail = refused.Detail
		}
		return contract.Guarded.Errorf("%s", detail)
	}
	return &contract.UnavailableError{Reason: "the call did not come to its end; it can be repeated", Err: err}
}
