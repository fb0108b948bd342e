package node

import (
	"context"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/contract"
	answers "flowring/node/answer"
	"flowring/router"
)

// publicAPI is the node from the point of view of its router.
type publicAPI struct{ *Node }

var _ router.Cluster = publicAPI{}

// Post implements router.Cluster.
func (p publicAPI) Post(ctx context.Context, posting *flow.Posting) (bool, error) {
	if err := p.mayWrite(); err != nil {
		return false, err
	}
	replayed, err := p.replicas.Submit(ctx, posting)
	return replayed, answers.PublicError(err)
}

// mayWrite returns why this node can take no write now; nil: it can. The check comes first, because it is cheaper than
// the work. A drained node goes on forwarding writes: it owns no hour, and the ack of its own store does not count.
func (n *Node) mayWrite() error {
	switch {
	case n.apartError() != nil:
		return &contract.UnavailableError{Reason: n.apartError().Error()}
	case n.membership.Roster().CountEstablished() < n.cfg.WriteQuorum:
		return &contract.UnavailableError{
			Reason: "the cluster has fewer established stores than the write quorum asks for" +
				n.membership.Roster().LeavingNote(),
		}
	}
	return nil
}

// Get implements router.Cluster. Each slice of the hour is read at its owner.
func (p publicAPI) Get(ctx context.Context, hour flow.Hour, ask contract.Ask) (contract.Answer, error) {
	answer, err := p.answers.Hour(ctx, hour, ask)
	return answer, answers.PublicError(err)
}

// Query implements router.Cluster, and so do Hours and Names.
func (n *Node) Query(ctx context.Context, spec *query.Spec, ask contract.Ask) (contract.Rows, error) {
	rows, err := n.queries.Query(ctx, spec, ask)
	return rows, answers.PublicError(err)
}

// Hours returns the sums of the hours of a range.
func (n *Node) Hours(ctx context.Context, from, to flow.Hour, ask contract.Ask) (contract.Hours, error) {
	hours, err := n.queries.Hours(ctx, from, to, ask)
	return hours, answers.PublicError(err)
}

// Names returns the first names of a range.
func (n *Node) Names(ctx context.Context, ask contract.NamesAsk) (contract.Names, error) {
	names, err := n.queries.Names(ctx, ask)
	return names, answers.PublicError(err)
}

// Members implements router.Cluster.
func (p publicAPI) Members() router.MembersView { return p.membersView() }

// Ready implements router.Cluster.
func (p publicAPI) Ready() error { return p.Node.Ready() }

// ReadyToWrite implements router.Cluster.
func (p publicAPI) ReadyToWrite() error { return p.Node.ReadyToWrite() }
