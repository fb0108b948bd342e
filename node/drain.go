package node

import (
	"context"
	"fmt"
	"time"

	"flowring/ring"
)

// Drain takes this node's store off the roster for good: it hands over what it holds, and no other store need be silent or not for
// that. Afterwards the node is of no use to the cluster and can be stopped; its disk can be thrown away.
//
// The store marks itself as leaving, so that its acks count no more, and W established stores adopt its whole roster: they may be
// needed as witnesses of stores that only this one knows. Then it puts all it holds on W others, until nothing is left that came
// meanwhile, and marks itself as forgotten.
func (n *Node) Drain(ctx context.Context) error {
	if err := n.beginForgetting(ctx); err != nil {
		return err
	}
	defer n.endForgetting()
	self := n.membership.Self()
	if others := n.membership.Roster().CountEstablished() - 1; self.Established && others < n.cfg.WriteQuorum {
		return guardf("%d established stores would be left, fewer than the write quorum of %d", max(others, 0), n.cfg.WriteQuorum)
	}
	n.draining.Store(true)
	n.log.Info("drain", "store", self.ID)
	self.Leaving = true
	if err := n.tell(ctx, self); err != nil {
		return fmt.Errorf("drain: announce: %w", err)
	}
	if err := n.secureAway(ctx); err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	self.Forgotten = true
	n.drained.Store(true) // a forgotten store would otherwise join again
	if err := n.tell(ctx, self); err != nil {
		return fmt.Errorf("drain: announce: %w", err)
	}
	n.left.Store(true)
	n.log.Info("drained", "store", self.ID)
	return nil
}

// tell marks this store and makes W other established stores adopt this node's whole roster.
func (n *Node) tell(ctx context.Context, self ring.Store) error {
	if err := n.membership.mark(self); err != nil {
		return err
	}
	for {
		told := 0
		for _, hello := range n.greetAll(ctx) {
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
		case <-time.After(greetEvery):
		case <-ctx.Done():
			return fmt.Errorf("%d of the %d stores that the write quorum asks for answered: %w", told, n.cfg.WriteQuorum, context.Cause(ctx))
		}
	}
}
