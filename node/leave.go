package node

import (
	"cmp"
	"context"
	"errors"
	"time"

	"flowring/internal/safeguard"
)

const (
	aloneLimit = 2 * time.Second // how long a stop waits for more other stores
	warnEvery  = 5 * time.Second // between two lines that say what a stop or drain waits for
)

// errAlone is why a stop no longer waits for others.
var errAlone = errors.New("fewer other stores are heard and stay than the write quorum asks for")

// leave puts what this store holds on W other live stores, and tells the others that the node goes. It is a matter of what can be
// read until the node is back, and not of what is kept: what was acknowledged is on W disks, this one included, and the store
// remains on the roster. So it does not wait for stores that are not there, or stop too.
func (n *Node) leaveGracefully(ctx context.Context) error {
	if ctx.Err() != nil { // a crash announces nothing
		return nil
	}
	var err error
	if others := n.membership.Roster().CountEstablished() - 1; others >= n.cfg.WriteQuorum && !n.departed.Load() {
		err = n.secureWhileOthersStay(ctx)
	}
	if err := n.members.Leave(time.Second); err != nil { // nobody is there to be told, or they find out by themselves
		n.log.Debug("leave the gossip", "error", err)
	}
	return err
}

// secureWhileOthersStay is secureAway, given up without an error once there have been too few other stores for aloneLimit.
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

// othersStaying returns how many other stores that count are heard, and were not stopping when they were last greeted.
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

// secureAway puts all that this store holds on W other stores, again until nothing came meanwhile (P10).
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
