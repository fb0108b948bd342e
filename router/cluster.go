package router

import (
	"context"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/contract"
)

// Cluster is the cluster as the router uses it, through the node of the router. Its errors carry a contract.Refusal;
// any other error is answered as contract.Timeout or contract.Internal.
type Cluster interface {
	// Post stores each batch of the posting and returns nil after W stores have each of them (P1). The outcomes:
	//
	//	nil                          stored; replayed: an earlier request with the same key and content had stored it
	//	a refusal OfContent          nothing was stored
	//	*contract.UnavailableError   unknown: stored in whole, in part or not at all; the same call again completes it
	Post(ctx context.Context, p *flow.Posting) (replayed bool, err error)

	// Get opens the flows of an hour at the owner of the hour. The caller closes the answer. Get fails with a
	// *contract.UnavailableError if no answer satisfies ask.Need.
	Get(ctx context.Context, hour flow.Hour, ask contract.Ask) (contract.Answer, error)

	// Query opens the rows of a valid question. All rounds have ended when it returns. The caller closes the rows, whose
	// work ends with ctx. It fails with a *contract.UnavailableError if no answer satisfies ask.Need, and with another
	// refusal beyond a limit. The caller may read the first row before it sends headers, to send a refusal instead.
	Query(ctx context.Context, spec *query.Spec, ask contract.Ask) (contract.Rows, error)

	// Hours returns the sums of the hours from <= hour < to. It fails like Query.
	Hours(ctx context.Context, from, to flow.Hour, ask contract.Ask) (contract.Hours, error)

	// Names returns the first names of a range with a prefix, from the stores that answer. It fails like Query.
	Names(ctx context.Context, ask contract.NamesAsk) (contract.Names, error)

	// Members describes the cluster as this node sees it. It does not block.
	Members() MembersView

	// Ready returns nil if clients may send requests to this node, and otherwise the reason.
	Ready() error

	// ReadyToWrite returns nil if this node could store a POST now, and otherwise the reason. A ready node may be
	// unable to store a POST.
	ReadyToWrite() error
}
