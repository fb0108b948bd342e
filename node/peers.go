package node

import (
	"context"
	"errors"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/node/membership"
	"flowring/node/peer"
	"flowring/node/replica"
	"flowring/ring/roster"
	"flowring/store"
	"flowring/store/digest"
)

// inward is the node as its peers see it.
type inward struct{ *Node }

var _ peer.Handler = inward{}

// Self implements peer.Handler.
func (n inward) Self() roster.Store { return n.membership.Self() }

// Roster implements peer.Handler. Nobody is told of this node's store before it may be known.
func (n inward) Roster() roster.Roster {
	if n.hidden() {
		return roster.Roster{}
	}
	return n.membership.Roster()
}

// Hello implements peer.Handler: from now on this store knows the caller's.
func (n inward) Hello(_ context.Context, from peer.Hello) (peer.Hello, error) {
	if n.hidden() {
		return peer.Hello{}, contract.Busy.Errorf("this node does not know yet whether it is the only one of its name")
	}
	err := n.membership.MergeRoster(from.Roster)
	if errors.As(err, new(*membership.NotAdoptedError)) {
		n.callBack()
	}
	if err != nil && !errors.Is(err, membership.ErrCallerNoMember) { // a node of no cluster is told of this one, and leaves no trace
		return peer.Hello{}, contract.Stranger.Errorf("%w", err)
	}
	return n.hello(), nil
}

// Admit implements peer.Handler.
func (n inward) Admit(ctx context.Context, checked bool, batches []flow.Written) (bool, error) {
	return n.replicas.Admit(ctx, checked, batches)
}

// Check implements peer.Handler.
func (n inward) Check(_ context.Context, batches []flow.Written) (bool, error) {
	return n.replicas.Check(batches)
}

// Apply implements peer.Handler.
func (n inward) Apply(_ context.Context, batches []flow.Written) error {
	if err := n.folderError(); err != nil {
		return err
	}
	return n.replicas.Apply(batches)
}

// Flows implements peer.Handler.
func (n inward) Flows(ctx context.Context, s flow.Slice, wanted peer.Wanted) (peer.Answer, error) {
	return n.answers.Slice(ctx, s, wanted)
}

// Digest implements peer.Handler.
func (n inward) Digest(_ context.Context, s flow.Slice, roster string) (peer.Voice, error) {
	if roster != "" { // the caller drops its copy where this store has one
		if err := n.folderError(); err != nil {
			return peer.Voice{}, err
		}
		if err := n.replicas.ConfirmReplica(s, roster); err != nil {
			return peer.Voice{}, contract.NotReplica.Errorf("%w", err)
		}
	}
	said, err := n.replicas.Voice(s)
	return peer.Voice(said), err
}

// Missing implements peer.Handler.
func (n inward) Missing(_ context.Context, s flow.Slice, have digest.Digest, fn func([]byte) error) error {
	return n.store.Missing(s, have, fn)
}

// Intake implements peer.Handler.
func (n inward) Intake(s flow.Slice) (*store.Intake, error) {
	if err := n.folderError(); err != nil {
		return nil, err
	}
	return n.store.Intake(s), nil
}

// Summary implements peer.Handler.
func (n inward) Summary(context.Context) (map[flow.Slice][16]byte, error) {
	if err := n.folderError(); err != nil { // callers count copies by it
		return nil, err
	}
	return n.replicas.Summary()
}

// Secure implements peer.Handler.
func (n inward) Secure(ctx context.Context) error {
	return n.replicas.Secure(ctx, n.folderMissing())
}

// Forget implements peer.Handler.
func (n inward) Forget(ctx context.Context, id roster.StoreID, force bool) error {
	return n.Node.Forget(ctx, id, force)
}

// Drain implements peer.Handler.
func (n inward) Drain(ctx context.Context) error { return n.Node.Drain(ctx) }

// outward is the other nodes as package replica calls them.
type outward struct{ *peer.Client }

var _ replica.Peers = outward{}

// Digest implements replica.Peers.
func (o outward) Digest(ctx context.Context, addr string, s flow.Slice, roster string) (replica.Voice, error) {
	said, err := o.Client.Digest(ctx, addr, s, roster)
	return replica.Voice(said), err
}
