package node

import (
	"cmp"
	"context"
	"errors"
	"time"

	"flowring/internal/safeguard"
)

const (
	aloneLimit = 2 * time.Second // longest wait of a stop for more other stores
	warnEvery  = 5 * time.Second // pause between two warnings of a waiting stop or drain
)

// errAlone ends the wait of a stop for other stores.
var errAlone = errors.New("fewer other stores are reachable and not stopping than the write quorum asks for")

// leaveGracefully puts this store's batches on W other live stores, and announces the departure to the gossip. The
// copies make the batches readable until the node is back. They are not needed for durability: acknowledged batches are
// on W disks, this one included, and the store remains on the roster. The function therefore does not wait for stores
// that are absent or stop too.
func (n *Node) leaveGracefully(ctx context.Context) error {
	if ctx.Err() != nil { // an abort, like a crash, announces nothing
		return nil
	}
	var err error
	if others := n.membership.Roster().CountEstablished() - 1; others >= n.cfg.WriteQuorum && !n.departed.Load() {
		err = n.secureWhileOthersStay(ctx)
	}
	if err := n.members.Leave(time.Second); err != nil { // no node is left, or the others find out by themselves
		n.log.Debug("leave the gossip", "error", err)
	}
	return err
}

// secureWhileOthersStay runs secureOnOthers. It gives up without an error after aloneLimit with too few other stores.
func (n *Node) secureWhileOthersStay(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	n.loops.Go(func() {
		for since := time.Now(); ctx.Err() == nil; {
			if n.countStaying() >= n.cfg.WriteQuorum {
				since = time.Now()
			} else if time.Since(since) >= aloneLimit {
				cancel(errAlone)
			}
			select {
			case <-time.After(heartbeatEvery / 4):
			case <-ctx.Done():
			}
		}
	})
	err := n.secureOnOthers(ctx)
	if errors.Is(context.Cause(ctx), errAlone) {
		return nil
	}
	return err
}

// countStaying returns the number of other stores that count, are reachable, and were not stopping at their last
// heartbeat.
func (n *Node) countStaying() int {
	staying, self := 0, n.membership.Self().ID
	for _, s := range n.membership.Roster().Established() {
		addr := n.directory.Addr(s.ID)
		if s.ID != self && addr != "" && n.client.Heard(addr) && !n.statuses.Get(s.ID).Stopping {
			staying++
		}
	}
	return staying
}

// secureOnOthers puts all batches of this store on W other stores, again until none arrived meanwhile (P10).
func (n *Node) secureOnOthers(ctx context.Context) error {
	if n.deps.Disabled.Has(safeguard.Secure) {
		return nil
	}
	var warned time.Time
	for {
		before := n.store.Stats().Applied + n.store.Stats().Same
		err := n.replicas.Secure(ctx, true)
		after := n.store.Stats()
		switch {
		case err == nil && after.Applied+after.Same == before:
			if !warned.IsZero() {
				n.log.Info("on enough other stores")
			}
			return nil
		case err != nil && ctx.Err() == nil && time.Since(warned) >= warnEvery:
			warned = time.Now()
			n.log.Warn("not yet on enough other stores", "error", err)
		}
		select {
		case <-time.After(heartbeatEvery / 4):
		case <-ctx.Done():
			err = cmp.Or(err, context.Cause(ctx))
			n.log.Warn("not on enough other stores", "cause", context.Cause(ctx), "error", err)
			return err
		}
	}
}
