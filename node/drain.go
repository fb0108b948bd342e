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

// Drain takes this node's store off the roster for good. It first copies the store's batches to other stores, so the
// other stores need not answer all. Afterwards the cluster does not need the node: the process can be stopped and the
// disk thrown away.
//
// The store marks itself as leaving, so its acks no longer count. W established stores adopt its whole roster, because
// they may be needed as witnesses of stores known here alone. Then the store puts all its batches on W other stores,
// again until none arrived meanwhile, and marks itself as forgotten.
//
// If ctx ends before that, the drain is given up: the store goes on under a new ID with all its batches, and the old ID
// is forgotten once the new one is established. Once the store is marked as forgotten, the drain ignores ctx and goes
// on to its end.
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
		return contract.Guarded.Errorf("%d established stores would be left, fewer than the write quorum of %d",
			max(others, 0), n.cfg.WriteQuorum)
	}
	n.draining.Store(true)
	n.log.Info("drain", "store", self.ID)
	if err := n.handOver(ctx, self); err != nil {
		return errors.Join(fmt.Errorf("drain: %w", err), n.giveUpDrain(self, err))
	}
	return n.leaveRoster(context.WithoutCancel(ctx), self)
}

var errStopping = errors.New("this node is stopping")

// handOver is the part of a drain that can be given up.
func (n *Node) handOver(ctx context.Context, self roster.Store) error {
	self.Leaving = true
	if err := n.announce(ctx, self); err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	return n.secureOnOthers(ctx)
}

// leaveRoster is the part of a drain after W other stores hold every batch: it takes the store off the roster.
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

// giveUpDrain ends an unfinished drain. If the node stops, its next start does so instead.
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

// forgetFormer marks the IDs of earlier drains as forgotten once the new ID is established. If the disk is an older
// image of the store under those IDs, reads count this store as silent until it has recovered (P9).
func (n *Node) forgetFormer(ctx context.Context) {
	if len(n.membership.Former()) == 0 || !n.membership.Self().Established {
		return
	}
	former, err := n.membership.ForgetFormer()
	if err != nil {
		n.log.Error("join", "error", err)
		return
	}
	n.log.Info("former store forgotten: its drain was given up, and this node has its batches", "stores", former)
	n.sendHeartbeats(ctx) // sooner than the next heartbeat
}

// announce marks this store and makes W other established stores adopt this node's whole roster.
func (n *Node) announce(ctx context.Context, self roster.Store) error {
	if err := n.membership.Mark(self); err != nil {
		return err
	}
	for {
		told := 0
		for _, hello := range n.sendHeartbeats(ctx) {
			s, ok := hello.Roster.Get(self.ID)
			adopted := ok && s.Leaving == self.Leaving && s.Forgotten == self.Forgotten
			if other, _ := n.membership.Roster().Get(hello.Store.ID); adopted && other.Counts() {
				told++
			}
		}
		if told >= n.cfg.WriteQuorum {
			return nil
		}
		select {
		case <-time.After(heartbeatEvery):
		case <-ctx.Done():
			return fmt.Errorf("%d of the %d stores that the write quorum asks for answered: %w",
				told, n.cfg.WriteQuorum, context.Cause(ctx))
		}
	}
}
