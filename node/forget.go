package node

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/ring/roster"
)

// Forget takes a silent store off the roster, so that its hours are placed elsewhere and reads stop waiting for it.
// Batches on that store alone are lost. Forget is therefore refused unless every other store but W-2 answers: each
// acknowledged batch is on W stores, so one of the answering stores has it.
//
// First all answering stores mark the store as leaving: its acks no longer count, but reads still count it as silent.
// Then each of them puts its batches on W stores without it. Only then is the store marked as forgotten. A Forget that
// fails half-way is safe and can be repeated. (docs/decisions/0002; docs/model has the rules as a program.)
//
// With force the guard is left out: the operator accepts the loss. A cluster of exactly W nodes needs force after the
// loss of a disk, because W other stores cannot confirm the replacement.
func (n *Node) Forget(ctx context.Context, id roster.StoreID, force bool) error {
	if err := n.beginRemoval(ctx); err != nil {
		return err
	}
	defer n.endRemoval()
	return n.forget(ctx, id, force)
}

// beginRemoval waits until this node neither forgets a store nor drains. endRemoval must follow.
func (n *Node) beginRemoval(ctx context.Context) error {
	select {
	case n.removal <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (n *Node) endRemoval() { <-n.removal }

// forget is Forget for a caller between beginRemoval and endRemoval.
func (n *Node) forget(ctx context.Context, id roster.StoreID, force bool) error {
	gone, known := n.membership.Roster().Get(id)
	switch {
	case !known:
		return contract.Guarded.Errorf("no store %s is on the roster", id)
	case gone.Forgotten:
		return nil
	case id == n.membership.Self().ID:
		return contract.Guarded.Errorf("store %s is the one of this node: drain it instead", id)
	}
	heard := n.sendHeartbeats(ctx)
	if _, ok := heard[id]; ok {
		return contract.Guarded.Errorf("store %s on node %s answers: drain it instead", id, gone.Name)
	}
	if err := n.quorum.CheckForget(gone, heard, force); err != nil {
		return err
	}
	gone.Leaving = true
	if err := n.adoptEverywhere(ctx, heard, gone); err != nil {
		return fmt.Errorf("mark store %s as leaving: %w", id, err)
	}
	unguarded := force || n.deps.Disabled.Has(safeguard.ForgetTwice)
	// The rosters are merged now: a store learnt since the first check counts as silent.
	if err := n.quorum.CheckForget(gone, heard, unguarded); err != nil {
		return err
	}
	switch err := n.secureEverywhere(ctx, heard); {
	case err != nil && force: // fewer than W stores may be left: reads and repair copy the batches once there are more
		n.log.Warn("not all that is left is on enough stores", "error", err)
	case err != nil:
		return fmt.Errorf("secure the batches of the other stores without store %s: %w", id, err)
	}
	gone.Forgotten = true
	if err := n.membership.Mark(gone); err != nil {
		return fmt.Errorf("mark store %s as forgotten: %w", id, err)
	}
	n.sendHeartbeats(ctx) // sooner than the next heartbeat
	n.log.Warn("store forgotten", "store", id, "node", gone.Name, "forced", force)
	return nil
}

// adoptEverywhere marks a store here and makes every answering store adopt the mark together with this node's whole
// roster, because a mark must not travel without the roster behind it.
func (n *Node) adoptEverywhere(ctx context.Context, heard replies, s roster.Store) error {
	if err := n.membership.Mark(s); err != nil {
		return err
	}
	return n.callEach(ctx, heard, func(ctx context.Context, addr string) (roster.Store, error) {
		to, err := n.client.Hello(ctx, addr, n.hello())
		if adopted, _ := to.Roster.Get(s.ID); err == nil && !adopted.Leaving {
			err = fmt.Errorf("node %s did not adopt it", to.Store.Name)
		}
		return to.Store, err
	})
}

// secureEverywhere makes this store and every answering store put their batches on W stores.
func (n *Node) secureEverywhere(ctx context.Context, heard replies) error {
	if n.deps.Disabled.Has(safeguard.Secure) {
		return nil
	}
	if err := n.replicas.Secure(ctx, false); err != nil {
		return err
	}
	return n.callEach(ctx, heard, n.client.Secure)
}

// callEach makes one call to every answering store. It fails unless that same store answers each call.
func (n *Node) callEach(
	ctx context.Context, heard replies, call func(context.Context, string) (roster.Store, error),
) error {
	g, ctx := errgroup.WithContext(ctx)
	for id, hello := range heard {
		g.Go(func() error {
			from, err := call(ctx, n.directory.Addr(id))
			if err == nil && from.ID != id {
				err = fmt.Errorf("node %s holds another store now", hello.Store.Name)
			}
			return err
		})
	}
	return g.Wait()
}

// absentFor is the absence after which a store is forgotten without an operator.
const absentFor = 15 * time.Minute

// forgetAbsent forgets stores without a prospect of return: stores absent for absentFor, and stores of a node that runs
// with another store, because their disk is lost (P9). One node does it, see isForgetter.
func (n *Node) forgetAbsent(ctx context.Context, heard replies) {
	known, self := n.membership.Roster(), n.membership.Self()
	answered := func(id roster.StoreID) bool { return id == self.ID || heard.has(id) }
	long := n.absence.Update(time.Now(), known.Stores(), answered, absentFor)
	if !n.isForgetter(self, heard) {
		return
	}
	here := map[string]bool{self.Name: true}
	for _, hello := range heard {
		here[hello.Store.Name] = true
	}
	for _, s := range known.Stores() {
		if _, ok := heard[s.ID]; !ok && s.ID != self.ID && here[s.Name] {
			long = append(long, s)
		}
	}
	for _, s := range long {
		n.loops.Go(func() { n.tryForget(ctx, s) })
	}
}

// isForgetter reports whether a store is the one that forgets others: the lowest node name among the answering stores
// that count.
func (n *Node) isForgetter(self roster.Store, heard replies) bool {
	counts := func(s roster.Store) bool {
		return s.Established && (!s.Leaving || n.deps.Disabled.Has(safeguard.Forgetter))
	}
	for _, hello := range heard {
		if counts(hello.Store) && hello.Store.Name < self.Name {
			return false
		}
	}
	return counts(self)
}

// tryForget forgets a store if the guard allows it. A refusal is logged for debugging only, because it is repeated each
// second.
func (n *Node) tryForget(ctx context.Context, s roster.Store) {
	select {
	case n.removal <- struct{}{}:
		defer n.endRemoval()
	default:
		return
	}
	ctx, cancel := context.WithTimeout(ctx, forgetWait)
	defer cancel()
	if err := n.forget(ctx, s.ID, false); err != nil {
		n.log.Debug("forget", "store", s.ID, "node", s.Name, "error", err)
	}
}

// forgetWait bounds one attempt, in which every store may have to copy many batches.
const forgetWait = 10 * time.Minute
