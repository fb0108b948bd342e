package quorum

import (
	"context"
	"fmt"
	"log/slog"
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
)

// Replies are the answers to one round of heartbeats, by store.
type Replies = map[roster.StoreID]peer.Hello

// Config describes the node of a Guard.
type Config struct {
	Node     string
	Quorum   int // W
	Disabled safeguard.Set
}

// Deps are the collaborators of a Guard.
type Deps struct {
	Journal membership.Journal
	Log     *slog.Logger
}

// Cluster is the rest of the node.
type Cluster struct {
	Membership *membership.State
	Recovered  func() // ends the recovery of the store
	Heartbeats func(context.Context) Replies
	Secure     func(context.Context, Replies) error // makes this store and those that answered put their batches on W stores
}

// Guard keeps the proven quorum of a node.
type Guard struct {
	cfg     Config
	log     *slog.Logger
	kept    *membership.Quorum
	cluster Cluster
}

// Open loads the proven quorum. It must be called before membership.Open, and Join before the other methods.
func Open(cfg Config, deps Deps) (*Guard, error) {
	kept, err := membership.OpenQuorum(deps.Journal, cfg.Quorum, cfg.Disabled.Has(safeguard.QuorumStep))
	return &Guard{cfg: cfg, log: deps.Log, kept: kept}, err
}

// Join connects the Guard with the rest of the node.
func (g *Guard) Join(c Cluster) {
	g.cluster = c
	g.endRecovery()
}

// Proven returns the number of stores that have each acknowledged batch at least, W at most.
func (g *Guard) Proven() int {
	if g.cfg.Disabled.Has(safeguard.ProvenQuorum) {
		return g.cfg.Quorum
	}
	return g.kept.Proven()
}

// endRecovery ends the recovery of a new store once each batch of the cluster is on W stores.
func (g *Guard) endRecovery() {
	if g.cluster.Membership.Fresh() && g.Proven() == g.cfg.Quorum {
		g.cluster.Recovered()
	}
}

// Found says that this store founds a cluster, which has no batch yet.
func (g *Guard) Found() error {
	err := g.kept.Prove()
	g.endRecovery()
	return err
}

// Hear takes over the proven quorum of the established stores that answered.
func (g *Guard) Hear(heard Replies) {
	lowest := 0
	for _, hello := range heard {
		if hello.Store.Established && hello.Proven > 0 && (lowest == 0 || hello.Proven < lowest) {
			lowest = hello.Proven
		}
	}
	if err := g.kept.Hear(lowest); err != nil {
		g.log.Error("proven quorum", "error", err)
	}
	g.endRecovery()
}

// Lower keeps a lower W once the node is ready.
func (g *Guard) Lower() {
	if g.kept.Lowered() {
		return
	}
	if err := g.kept.Lower(); err != nil {
		g.log.Error("proven quorum", "error", err)
		return
	}
	g.log.Info("write quorum lowered", "quorum", g.cfg.Quorum)
}

// CheckWrite returns why this store may acknowledge nothing under its W yet; nil: it may.
func (g *Guard) CheckWrite() error {
	if g.kept.Lowered() {
		return nil
	}
	return &contract.UnavailableError{
		Reason: fmt.Sprintf("node %s has a lower write quorum than before, and takes writes once it is ready", g.cfg.Node),
	}
}

// Run proves W after each rise, until ctx ends.
func (g *Guard) Run(ctx context.Context) {
	for {
		select {
		case <-time.After(proveEvery):
		case <-ctx.Done():
			return
		}
		if g.kept.Proven() == g.cfg.Quorum || !g.cluster.Membership.Self().Counts() {
			continue
		}
		if err := g.prove(ctx); err != nil {
			g.log.Debug("prove the write quorum", "error", err)
			continue
		}
		g.log.Info("write quorum proven", "quorum", g.cfg.Quorum)
	}
}

// prove makes this store and all others but at most W-2 put their batches on W stores. Each batch was on W-1 stores at
// least, so one of the stores that did so has it.
func (g *Guard) prove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, proveWait)
	defer cancel()
	heard := g.cluster.Heartbeats(ctx)
	if err := g.checkProof(heard); err != nil {
		return err
	}
	if err := g.cluster.Secure(ctx, heard); err != nil {
		return err
	}
	if err := g.checkProof(heard); err != nil { // a store learnt meanwhile counts as silent
		return err
	}
	return g.kept.Prove()
}

// checkProof returns an error if more stores than W-2 are not among heard.
func (g *Guard) checkProof(heard Replies) error {
	if silent := g.silent(heard, ""); len(silent) > g.cfg.Quorum-2 {
		return fmt.Errorf("no answer from %v", silent)
	}
	return nil
}

// silent returns the labels of the other stores of the roster that are not among heard, gone excepted.
func (g *Guard) silent(heard Replies, gone roster.StoreID) (labels []string) {
	self, known := g.cluster.Membership.Self().ID, g.cluster.Membership.Roster()
	for _, s := range known.Stores() {
		if _, ok := heard[s.ID]; !ok && s.ID != self && s.ID != gone {
			labels = append(labels, known.Label(s))
		}
	}
	return labels
}
