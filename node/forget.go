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

// Forget takes a store that does not answer off the roster, so that its hours are placed elsewhere and reads stop waiting for it.
// What only that store held is lost, so it is refused unless every other store but W-2 answers: each acknowledged batch is on W
// stores, and one of those that answer then has it.
//
// First all that answer mark the store as leaving: its acks count no more, but reads still count it as silent. Then each of them
// puts what it holds on W stores without it. Only then is it forgotten. A Forget that fails half-way is safe, and can be repeated.
// (docs/decisions/0002; docs/model is these rules as a program.)
//
// With force the operator vouches that nothing is lost that matters: the guard is left out. A cluster of exactly W nodes that lost a
// disk needs that, for the store that replaces it cannot be confirmed by W others.
func (n *Node) Forget(ctx context.Context, id roster.StoreID, force bool) error {
	if err := n.beginRemoval(ctx); err != nil {
		return err
	}
	defer n.endRemoval()
	return n.forget(ctx, id, force)
}

// beginForgetting waits until this node neither forgets a store nor drains: one at a time. endForgetting lets the next begin.
func (n *Node) beginRemoval(ctx context.Context) error {
	select {
	case n.removal <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (n *Node) endRemoval() { <-n.removal }

// forget is Forget for one who holds n.removal.
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
	if err := n.checkForget(gone, heard, force); err != nil {
		return err
	}
	gone.Leaving = true
	if err := n.adoptEverywhere(ctx, heard, gone); err != nil {
		return fmt.Errorf("mark store %s as leaving: %w", id, err)
	}
	unguarded := force || n.deps.Disabled.Has(safeguard.ForgetTwice)
	if err := n.checkForget(gone, heard, unguarded); err != nil { // by what the replies taught: a store learnt since counts as silent
		return err
	}
	switch err := n.secureEverywhere(ctx, heard); {
	case err != nil && force: // too few stores may be left to put all on W: reads and repair do so once there are more
		n.log.Warn("not all that is left is on enough stores", "error", err)
	case err != nil:
		return fmt.Errorf("secure what is left without store %s: %w", id, err)
	}
	gone.Forgotten = true
	if err := n.membership.Mark(gone); err != nil {
		return fmt.Errorf("mark store %s as forgotten: %w", id, err)
	}
	n.sendHeartbeats(ctx) // the next greeting would tell the others as well
	n.log.Warn("store forgotten", "store", id, "node", gone.Name, "forced", force)
	return nil
}

// mayForget is the guard of Forget. Its errors say what could be lost.
func (n *Node) checkForget(gone roster.Store, heard replies, force bool) error {
	self, w := n.membership.Self(), n.cfg.WriteQuorum
	if force {
		return nil
	}
	var silent []string
	counting := 1 // this store
	for _, s := range n.membership.Roster().Stores() {
		if s.ID == gone.ID || s.ID == self.ID {
			continue
		}
		if _, ok := heard[s.ID]; !ok {
			silent = append(silent, n.membership.Roster().Label(s))
		} else if s.Established && !s.Leaving {
			counting++
		}
	}
	if !self.Established || self.Leaving {
		return contract.Guarded.Errorf("this node's store is not established: ask another node")
	}
	allowed := w - 2
	if n.deps.Disabled.Has(safeguard.ForgetGuard) {
		allowed = (len(heard) + len(silent)) / 2
	}
	if len(silent) > allowed {
		if w == 1 {
			return contract.Guarded.Errorf("the write quorum is 1: what only the store of %s held would be lost, and nobody can tell what that is", gone.Name)
		}
		return contract.Guarded.Errorf("no answer from %v either: what only those and the store of %s hold would be lost; at a write quorum of %d, %d may be silent",
			silent, gone.Name, w, max(allowed, 0))
	}
	if counting < w {
		return contract.Guarded.Errorf("%d established stores would be left, fewer than the write quorum of %d", counting, w)
	}
	return nil
}

// adopt marks a store here and makes every store that was heard adopt that, together with all that this node knows: a flag must not
// travel without the roster that it was set by.
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

// secureEverywhere makes this store and every one that was heard put what it holds on W stores.
func (n *Node) secureEverywhere(ctx context.Context, heard replies) error {
	if n.deps.Disabled.Has(safeguard.Secure) {
		return nil
	}
	if err := n.replicas.Secure(ctx, false); err != nil {
		return err
	}
	return n.callEach(ctx, heard, n.client.Secure)
}

// everywhere makes one call to every store that was heard, and fails unless that very store replies each.
func (n *Node) callEach(ctx context.Context, heard replies, call func(context.Context, string) (roster.Store, error)) error {
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

// absentFor is how long a store may be absent before it is forgotten without being asked to.
const absentFor = 15 * time.Minute

// forgetAbsent forgets the stores that will not come back: those absent for long, and those whose node is back with another store,
// for their disk is lost (P9). Of the nodes that could do it the one with the lowest name does.
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

// forgetsOthers reports whether a store is the one that forgets others: of those that count and are heard, the one with the lowest
// name.
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

// tryForget forgets a store if the guard allows it; that it does not is no news each second.
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

// forgetWait bounds one try at forgetting a store: every store may have to copy much of what it holds.
const forgetWait = 10 * time.Minute
