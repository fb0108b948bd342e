package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/ring/roster"
)

// Drain takes this node's store off the roster for good: it hands over what it holds, and no other store need be silent or not for
// that. Afterwards the node is of no use to the cluster and can be stopped; its disk can be thrown away.
//
// The store marks itself as leaving, so that its acks count no more, and W established stores adopt its whole roster: they may be
// needed as witnesses of stores that only this one knows. Then it puts all it holds on W others, until nothing is left that came
// meanwhile, and marks itself as forgotten.
//
// A drain whose ctx ends before that is given up: the store goes on under a new ID, with all that it holds, and the old ID is forgotten
// once the new one is established. Once the store is marked as forgotten, the drain goes on to its end whatever becomes of ctx.
func (n *Node) Drain(ctx context.Context) error {
	if err := n.beginRemoval(ctx); err != nil {
		return err
	}
	defer n.endRemoval()
	if n.departed.Load() {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(n.stopCtx, func() { cancel(errStopping) })()
	self := n.membership.Self()
	if others := n.membership.Roster().CountEstablished() - 1; self.Established && others < n.cfg.WriteQuorum {
		return contract.Guarded.Errorf("%d established stores would be left, fewer than the write quorum of %d", max(others, 0), n.cfg.WriteQuorum)
	}
	n.draining.Store(true)
	n.log.Info("drain", "store", self.ID)
	if err := n.handOver(ctx, self); err != nil {
		return errors.Join(fmt.Errorf("drain: %w", err), n.giveUpDrain(self, err))
	}
	return n.leaveRoster(context.WithoutCancel(ctx), self)
}

var errStopping = errors.New("this node is stopping")

// handOver is what a drain does while it can be given up.
func (n *Node) handOver(ctx context.Context, self roster.Store) error {
	self.Leaving = true
	if err := n.announce(ctx, self); err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	return n.secureOnOthers(ctx)
}

// depart is what a drain does once nothing depends on this store any more: it takes the store off the roster.
func (n *Node) leaveRoster(ctx context.Context, self roster.Store) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(n.stopCtx, func() { cancel(errStopping) })()
	self.Leaving, self.Forgotten = true, true
	if err := n.announce(ctx, self); err != nil {
		return fmt.Errorf("drain: announce: %w", err)
	}
	n.departed.Store(true)
	n.log.Info("drained", "store", self.ID)
	return nil
}

// giveUpDrain ends a drain that was not done. A node that stops leaves that to its next start.
func (n *Node) giveUpDrain(self roster.Store, why error) error {
	n.log.Warn("drain given up", "store", self.ID, "error", why)
	if n.stopping.Load() {
		return nil
	}
	if n.deps.Disabled.Has(safeguard.GiveUpOrder) {
		self.Leaving, self.Forgotten = true, true
		return n.membership.Mark(self)
	}
	n.draining.Store(false)
	return n.membership.GiveUpDrain()
}

// forgetFormer forgets the IDs that this store gave up, once the new one is established. Should the disk be an older image of what it was
// under them, reads count this store as silent until it has recovered (P9).
func (n *Node) forgetFormer(ctx context.Context) {
	if len(n.membership.Former()) == 0 || !n.membership.Self().Established {
		return
	}
	former, err := n.membership.ForgetFormer()
	if err != nil {
		n.log.Error("join", "error", err)
		return
	}
	n.log.Info("former store forgotten: its drain was given up, and this node holds what it held", "stores", former)
	n.sendHeartbeats(ctx) // the next greeting would tell the others as well
}

// tell marks this store and makes W other established stores adopt this node's whole roster.
func (n *Node) announce(ctx context.Context, self roster.Store) error {
	if err := n.membership.Mark(self); err != nil {
		return err
	}
	for {
		told := 0
		for _, hello := range n.sendHeartbeats(ctx) {
			s, ok := hello.Roster.Get(self.ID)
			adopted := ok && s.Leaving == self.Leaving && s.Forgotten == self.Forgotten
			if other, _ := n.membership.Roster().Get(hello.Store.ID); adopted && other.Established && !other.Leaving && !other.Forgotten {
				told++
			}
		}
		if told >= n.cfg.WriteQuorum {
			return nil
		}
		select {
		case <-time.After(heartbeatEvery):
		case <-ctx.Done():
			return fmt.Errorf("%d of the %d stores that the write quorum asks for answered: %w", told, n.cfg.WriteQuorum, context.Cause(ctx))
		}
	}
}
