package node

import (
	"context"
	"errors"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/internal/contract"
	"flowring/node/membership"
	"flowring/node/peer"
	"flowring/node/peer/wire"
	"flowring/node/replica"
	"flowring/node/replica/late"
	"flowring/ring/roster"
	"flowring/store"
	"flowring/store/digest"
)

// peerHandler is the node from the point of view of its peers.
type peerHandler struct{ *Node }

var _ peer.Handler = peerHandler{}

// Self implements peer.Handler.
func (n peerHandler) Self() roster.Store { return n.membership.Self() }

// Roster implements peer.Handler. A provisional node reveals no store.
func (n peerHandler) Roster() roster.Roster {
	if n.provisional() {
		return roster.Roster{}
	}
	return n.membership.Roster()
}

// Offer implements peer.Handler.
func (n peerHandler) Offer() compat.Offer { return n.membership.Offer() }

// Hello implements peer.Handler. From now on this store knows the caller's store.
func (n peerHandler) Hello(_ context.Context, from peer.Hello) (peer.Hello, error) {
	if n.provisional() {
		return peer.Hello{}, contract.Busy.Errorf("this node does not know yet whether it is the only one of its name")
	}
	err := n.membership.MergeRoster(from.Roster)
	if errors.As(err, new(*membership.NotAdoptedError)) {
		n.retryJoin()
	}
	// A caller of no cluster gets an answer, and its roster is not merged.
	if err != nil && !errors.Is(err, membership.ErrCallerNoMember) {
		return peer.Hello{}, contract.Stranger.Errorf("%w", err)
	}
	return n.hello(), nil
}

// Admit implements peer.Handler.
func (n peerHandler) Admit(ctx context.Context, checked bool, batches []flow.Written) (bool, error) {
	return n.replicas.Admit(ctx, checked, batches)
}

// AdmitByKey implements peer.Handler.
func (n peerHandler) AdmitByKey(ctx context.Context, known bool, batches []flow.Written) (bool, error) {
	return n.replicas.AdmitByKey(ctx, known, batches)
}

// Check implements peer.Handler.
func (n peerHandler) Check(_ context.Context, batches []flow.Written) (bool, error) {
	return n.replicas.Check(batches)
}

// Look implements peer.Handler.
func (n peerHandler) Look(round late.Round, roster string, batches []flow.Written) (bool, error) {
	return n.replicas.Look(round, roster, batches)
}

// Apply implements peer.Handler.
func (n peerHandler) Apply(_ context.Context, batches []flow.Written) error {
	if err := n.folderError(); err != nil {
		return err
	}
	return n.replicas.Apply(batches)
}

// Flows implements peer.Handler.
func (n peerHandler) Flows(ctx context.Context, s flow.Slice, wanted peer.Wanted) (peer.Answer, error) {
	return n.answers.Slice(ctx, s, wanted)
}

// Digest implements peer.Handler.
func (n peerHandler) Digest(_ context.Context, s flow.Slice, roster string) (peer.DigestReply, error) {
	if roster != "" { // the caller will drop its copy because this store has one
		if err := n.folderError(); err != nil {
			return peer.DigestReply{}, err
		}
		if err := n.replicas.ConfirmReplica(s, roster); err != nil {
			return peer.DigestReply{}, contract.NotReplica.Errorf("%w", err)
		}
	}
	return n.replicas.DigestReply(s)
}

// Digests implements peer.Handler.
func (n peerHandler) Digests(ctx context.Context, from, to flow.Hour) (wire.Digests, error) {
	return n.queries.Digests(ctx, from, to)
}

// Query implements peer.Handler.
func (n peerHandler) Query(ctx context.Context, call *wire.QueryCall) (peer.QueryAnswer, error) {
	answer, err := n.queries.Answer(ctx, call)
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// Missing implements peer.Handler.
func (n peerHandler) Missing(_ context.Context, s flow.Slice, have digest.Digest, fn func([]byte) error) error {
	return n.store.Missing(s, have, fn)
}

// Intake implements peer.Handler.
func (n peerHandler) Intake(s flow.Slice) (*store.Intake, error) {
	if err := n.folderError(); err != nil {
		return nil, err
	}
	return n.store.Intake(s), nil
}

// Summary implements peer.Handler.
func (n peerHandler) Summary(context.Context) (map[flow.Slice][16]byte, error) {
	if err := n.folderError(); err != nil { // callers count copies by the summary
		return nil, err
	}
	return n.replicas.Summary()
}

// Secure implements peer.Handler.
func (n peerHandler) Secure(ctx context.Context) error {
	return n.replicas.Secure(ctx, n.folderMissing())
}

// Forget implements peer.Handler.
func (n peerHandler) Forget(ctx context.Context, id roster.StoreID, force bool) error {
	return n.Node.Forget(ctx, id, force)
}

// Drain implements peer.Handler.
func (n peerHandler) Drain(ctx context.Context) error { return n.Node.Drain(ctx) }

// peerCaller adapts the peer client to package replica.
type peerCaller struct{ *peer.Client }

var _ replica.Peers = peerCaller{}
