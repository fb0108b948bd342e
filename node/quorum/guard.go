package quorum

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/node/membership"
	"flowring/node/peer"
	"flowring/ring/roster"
)

const (
	proveEvery = 3 * time.Second  // pause between two tries to prove W
	proveWait  = 10 * time.Minute // longest time of one try, in which every store may have to copy many batches
	warnEvery  = time.Minute      // pause between two messages that the proof waits
)

// Replies are the answers to one round of heartbeats, by store.
type Replies = map[roster.StoreID]peer.Hello

// Config describes the node of a Guard.
type Config struct {
	Node     string
	Quorum   int           // W
	Disabled safeguard.Set // safeguards disabled by a test
}

// Deps are the rest of the node.
type Deps struct {
	Membership *membership.State
	Log        *slog.Logger
	Heartbeats func(context.Context) Replies
	// makes this store and the stores that answered put their batches on W stores
	Secure func(context.Context, Replies) error
}

// Guard keeps the proven quorum of a node.
type Guard struct {
	cfg  Config
	deps Deps
}

// New returns a Guard.
func New(cfg Config, deps Deps) *Guard { return &Guard{cfg, deps} }

// Proven returns the proven quorum, W at most.
func (g *Guard) Proven() int {
	if q := g.deps.Membership.Roster().Quorum(); q.Stores > 0 {
		return min(q.Stores, g.cfg.Quorum)
	}
	return g.cfg.Quorum
}

// rises reports whether W has risen above the proven quorum, and falls whether W has fallen below it.
func (g *Guard) rises() bool { return g.Proven() < g.cfg.Quorum }
func (g *Guard) falls() bool { return g.deps.Membership.Roster().Quorum().Stores > g.cfg.Quorum }

// Awaited reports whether readiness waits for a proof. It does not wait for a fall, which waits for readiness.
func (g *Guard) Awaited() bool { return g.rises() && !g.cfg.Disabled.Has(safeguard.ProvenReads) }

// CheckWrite returns why this node takes no write yet; nil: it may.
func (g *Guard) CheckWrite() error {
	if !g.falls() || g.cfg.Disabled.Has(safeguard.ProvenFirst) {
		return nil
	}
	return &contract.UnavailableError{
		Reason: fmt.Sprintf("node %s has a lower write quorum than before, and takes writes once it is ready", g.cfg.Node),
	}
}

// Settle keeps W as the proven quorum of a roster that has none, or a larger one. The node must be ready: a node with a
// wrong setting, which the others refuse, changes nothing.
func (g *Guard) Settle() {
	before := g.deps.Membership.Roster().Quorum()
	if before.Stores > 0 && !g.falls() || !g.deps.Membership.Self().Counts() {
		return
	}
	switch err := g.deps.Membership.SetQuorum(before, g.cfg.Quorum); {
	case errors.Is(err, membership.ErrQuorumChanged): // the next call decides again
	case err != nil:
		g.deps.Log.Error("proven quorum", "error", err)
	case before.Stores > 0:
		g.deps.Log.Info("write quorum lowered", "quorum", g.cfg.Quorum, "before", before.Stores)
	}
}

// Run proves W after each rise, until ctx ends.
func (g *Guard) Run(ctx context.Context) {
	warned := time.Now()
	for {
		select {
		case <-time.After(proveEvery):
		case <-ctx.Done():
			return
		}
		if !g.rises() || !g.deps.Membership.Self().Counts() {
			warned = time.Now()
			continue
		}
		if err := g.prove(ctx); err != nil && time.Since(warned) >= warnEvery && ctx.Err() == nil {
			warned = time.Now()
			g.deps.Log.Warn("write quorum not proven", "quorum", g.cfg.Quorum, "proven", g.Proven(), "error", err)
		}
	}
}

// prove makes all stores of the roster put their batches on W stores. A store off the roster has no batch that the
// others lack, so each batch is on W stores then.
func (g *Guard) prove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, proveWait)
	defer cancel()
	before, heard := g.deps.Membership.Roster().Quorum(), g.deps.Heartbeats(ctx)
	if err := g.checkHeard(heard); err != nil {
		return err
	}
	if err := g.deps.Secure(ctx, heard); err != nil {
		return err
	}
	if err := g.checkHeard(heard); err != nil { // the answers may have named another store
		return err
	}
	if err := g.deps.Membership.SetQuorum(before, g.cfg.Quorum); err != nil {
		return err
	}
	g.deps.Heartbeats(ctx) // sooner than the next heartbeat, so that all stores know
	g.deps.Log.Info("write quorum proven", "quorum", g.cfg.Quorum, "before", before.Stores)
	return nil
}

// checkHeard returns an error unless all stores of the roster are among heard.
func (g *Guard) checkHeard(heard Replies) error {
	silent := g.silent(heard, "")
	if len(silent) == 0 || g.cfg.Disabled.Has(safeguard.ProvenByAll) && len(silent) < g.cfg.Quorum {
		return nil
	}
	return fmt.Errorf("no answer from %s, whose batches may be on %d stores only", strings.Join(silent, ", "), g.Proven())
}

// silent returns the labels of the other stores of the roster that are not among heard, gone excepted.
func (g *Guard) silent(heard Replies, gone roster.StoreID) (labels []string) {
	self, known := g.deps.Membership.Self().ID, g.deps.Membership.Roster()
	for _, s := range known.Stores() {
		if _, ok := heard[s.ID]; !ok && s.ID != self && s.ID != gone {
			labels = append(labels, known.Label(s))
		}
	}
	return labels
}
