package node

import (
	"context"
	"errors"
	"time"

	"flowring/flow"
	"flowring/node/peer"
	"flowring/node/replica"
	"flowring/router"
	"flowring/store"
)

// public is the node as its public API sees it.
type public struct{ *Node }

var _ router.Cluster = public{}

// Post implements router.Cluster.
func (p public) Post(ctx context.Context, posting *flow.Posting) (bool, error) {
	if err := p.mayWrite(); err != nil {
		return false, err
	}
	replayed, err := p.replicas.Submit(ctx, posting)
	return replayed, publicError(err)
}

// mayWrite says why no write can be taken here, if so: better at once than after the work.
func (n *Node) mayWrite() error {
	switch {
	case n.stays() != nil:
		return &router.UnavailableError{Reason: n.stays().Error()}
	case n.left.Load():
		return &router.UnavailableError{Reason: "the store of this node has left the cluster"}
	case n.membership.Roster().CountEstablished() < n.cfg.WriteQuorum:
		return &router.UnavailableError{
			Reason: "the cluster has fewer established stores than the write quorum asks for" + replica.LeavingNote(n.membership.Roster()),
		}
	}
	return nil
}

// Get implements router.Cluster: each slice of the hour is read at its owner.
func (p public) Get(ctx context.Context, hour flow.Hour, ask router.Ask) (router.Answer, error) {
	answer, err := p.answers.Hour(ctx, hour, ask)
	return answer, publicError(err)
}

// publicError translates the errors of the parts into those of the router.
func publicError(err error) error {
	if err == nil {
		return nil
	}
	var unavailable *replica.UnavailableError
	var refusal *peer.Error
	switch {
	case errors.As(err, &unavailable): // first: its cause may be a refusal, and yet something be stored (P3)
		return &router.UnavailableError{Reason: unavailable.Reason, Stores: unavailable.Silent, Advice: replica.Advice(unavailable.Silent), Err: err}
	case refusalOf(err) != nil:
		return refusalOf(err)
	case errors.As(err, &refusal):
		return &router.UnavailableError{
			Reason: refusal.Detail, Stores: refusal.Stores, Advice: replica.Advice(refusal.Stores), RetryAfter: time.Duration(refusal.RetryAfter), Err: err,
		}
	}
	return err
}

// refusalOf returns what the router calls the error with which a store refused a batch, nil if it is none.
func refusalOf(err error) error {
	for _, r := range refusals {
		if !errors.Is(err, r.store) {
			continue
		}
		var limit *store.LimitError
		if errors.As(err, &limit) {
			return &router.LimitError{Hour: limit.Hour, Err: r.public}
		}
		return r.public
	}
	return nil
}

// refusals are the errors of store.Check, and what the router calls them.
var refusals = [...]struct{ store, public error }{
	{store.ErrKeyReused, router.ErrKeyReused},
	{store.ErrKeyElsewhere, router.ErrKeyReused},
	{store.ErrOverflow, router.ErrOverflow},
	{store.ErrTooManyFlows, router.ErrTooManyFlows},
	{store.ErrTooManyNames, router.ErrTooManyNames},
	{store.ErrTooManySlices, router.ErrTooManyHours},
	{store.ErrSlicesKept, router.ErrHoursKept},
}

// Members implements router.Cluster.
func (p public) Members() router.MembersView { return p.view() }

// Ready implements router.Cluster.
func (p public) Ready() error { return p.Node.Ready() }

// ReadyToWrite implements router.Cluster.
func (p public) ReadyToWrite() error { return p.Node.ReadyToWrite() }
