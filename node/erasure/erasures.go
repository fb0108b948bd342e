package erasure

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/node/peer"
	"flowring/ring/roster"
	"flowring/router/admin"
)

// DefaultMaxRanges is the number of ranges of marked hours beyond which no erasure begins, and the largest one that a
// node may be given. It is far below roster.MaxSpans, because several nodes may begin erasures at once, and rosters
// with more than MaxSpans spans together cannot be merged.
const DefaultMaxRanges = roster.MaxSpans / 2

// Config describes the erasures of a node.
type Config struct {
	Quorum   int           // W
	Ranges   int           // most ranges of marked hours; 0: DefaultMaxRanges
	Disabled safeguard.Set // safeguards that are off, in tests
}

// State is the durable roster of the node.
type State interface {
	Roster() roster.Roster
	Self() roster.Store
	MarkHours(m roster.Marks) error
}

// Deps are the rest of the node.
type Deps struct {
	State      State
	Heartbeats func(context.Context) map[roster.StoreID]peer.Hello
	Proven     func() int // the proven quorum
	Hours      func(ctx context.Context, from, to flow.Hour, ask contract.Ask) (contract.Hours, error)
	Census     func(ctx context.Context, from, to flow.Hour) (batches uint64, sum [32]byte, err error)
	Now        func() time.Time
	Log        *slog.Logger
}

// Erasures are the erasures of a node.
type Erasures struct {
	Config
	Deps
	refused atomic.Uint64
}

// Stats are the figures of the erasures.
type Stats struct {
	Ranges  int    // ranges of marked hours on the roster
	Refused uint64 // erasures refused for the number of ranges
}

// New returns the erasures of a node.
func New(cfg Config, deps Deps) *Erasures {
	if deps.Now == nil {
		deps.Now = time.Now
	}
	cfg.Ranges = cmp.Or(cfg.Ranges, DefaultMaxRanges)
	return &Erasures{Config: cfg, Deps: deps}
}

// Stats returns the present figures.
func (e *Erasures) Stats() Stats {
	return Stats{Ranges: len(e.State.Roster().Marks()), Refused: e.refused.Load()}
}

// Erase plans the erasure of the hours from <= h < to. With the hash of the plan it applies the plan, as far as the
// stores allow now: the same call joins an erasure that has begun, at any node, and says when it is done. It fails with
// contract.Guarded if it cannot begin, and with a *contract.UnavailableError if too few stores answer for a plan.
func (e *Erasures) Erase(ctx context.Context, from, to flow.Hour, hash string) (admin.Erasure, error) {
	if err := e.check(&from, to); err != nil {
		return admin.Erasure{}, err
	}
	begun := e.State.Roster().Marks().Covers(from, to, false)
	if hash != "" && begun {
		return e.step(ctx, from, to)
	}
	plan, err := e.plan(ctx, from, to)
	switch {
	case err != nil:
		return admin.Erasure{}, err
	case hash == "":
		return plan, nil
	case hash != plan.Hash:
		return admin.Erasure{}, contract.Guarded.Errorf(
			"the hours have other batches than in the plan %s: the plan is %s now", hash, plan.Hash)
	}
	e.Log.Warn("hours will be erased", "from", from, "to", to, "hours", plan.Hours, "batches", plan.Batches, "plan", hash)
	return e.step(ctx, from, to)
}

// check refuses a range that cannot be erased, and leaves its expired hours out.
func (e *Erasures) check(from *flow.Hour, to flow.Hour) error {
	known := e.State.Roster()
	if !compat.Erasure.On(known.Version()) {
		return contract.Guarded.Errorf("erasing needs version %d at all stores, and version %d is on", compat.Erasure,
			known.Version())
	}
	if floor := known.Floors().Expired; floor > 0 {
		*from = max(*from, floor)
	}
	if *from >= to {
		return contract.Guarded.Errorf("the hours before %d have expired: nothing of the range is left to erase",
			known.Floors().Expired)
	}
	closed, err := known.WithMarks(roster.Marks{{From: *from, To: to}})
	if err == nil {
		closed, err = closed.WithMarks(e.unerased(known, *from, to))
	}
	if more := len(closed.Marks()); err != nil || more > e.Ranges && more > len(known.Marks()) {
		e.refused.Add(1)
		return contract.Guarded.Errorf("the cluster would have more than %d separate ranges of erased hours "+
			"(--max-erased-ranges): erase hours beside earlier ones, or one range that has them all", e.Ranges)
	}
	return nil
}

// plan counts what the hours have, and names it.
func (e *Erasures) plan(ctx context.Context, from, to flow.Hour) (admin.Erasure, error) {
	plan := admin.Erasure{From: from, To: to}
	hours, err := e.Hours(ctx, from, to, contract.Ask{})
	if err != nil {
		return plan, err
	}
	var sum [32]byte
	if plan.Batches, sum, err = e.Census(ctx, from, to); err != nil {
		return plan, err
	}
	plan.Hours = len(hours.Totals)
	for _, hour := range hours.Totals {
		plan.Bytes = plan.Bytes.Plus(hour.Tx).Plus(hour.Rx)
		if plan.Flows += hour.Flows; hour.Flows < 0 {
			plan.Flows = -1
		}
	}
	text := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(sum[:], uint64(from)), uint64(to))
	name := sha256.Sum256(text)
	plan.Hash = hex.EncodeToString(name[:8])
	e.progress(&plan, nil)
	return plan, nil
}

// step takes the erasure as far as the stores allow now.
func (e *Erasures) step(ctx context.Context, from, to flow.Hour) (admin.Erasure, error) {
	state := admin.Erasure{From: from, To: to}
	if err := e.State.MarkHours(roster.Marks{{From: from, To: to}}); err != nil {
		return state, fmt.Errorf("close the hours: %w", err)
	}
	if e.progress(&state, e.Heartbeats(ctx)); state.Closed < state.Needed {
		return state, nil
	}
	if more := e.unerased(e.State.Roster(), from, to); len(more) > 0 {
		if err := e.State.MarkHours(more); err != nil {
			return state, fmt.Errorf("erase the hours: %w", err)
		}
		e.Log.Warn("hours erased", "from", from, "to", to)
	}
	if e.progress(&state, e.Heartbeats(ctx)); state.Erased >= state.Needed {
		state.Done = true
	}
	return state, nil
}

// unerased returns the marks that erase now what is not erased of a range.
func (e *Erasures) unerased(known roster.Roster, from, to flow.Hour) (more roster.Marks) {
	now := max(1, e.Now().Unix())
	for _, s := range known.Marks().ErasedWithin(from, to) {
		if from < s.From {
			more = append(more, roster.Span{From: from, To: s.From, Erased: now})
		}
		from = s.To
	}
	if from < to {
		more = append(more, roster.Span{From: from, To: to, Erased: now})
	}
	return more
}

// progress counts the stores of the roster that have the marks on disk: this one, and those whose answers have them. It
// reads the roster after the round, because the answers may have named more stores.
func (e *Erasures) progress(state *admin.Erasure, heard map[roster.StoreID]peer.Hello) {
	known, self := e.State.Roster(), e.State.Self().ID
	state.Closed, state.Erased, state.Stores = 0, 0, len(known.Stores())
	for _, st := range known.Stores() {
		marks := known.Marks()
		if st.ID != self {
			marks = heard[st.ID].Roster.Marks()
		}
		if marks.Covers(state.From, state.To, false) {
			state.Closed++
		}
		if marks.Covers(state.From, state.To, true) {
			state.Erased++
		}
	}
	state.Needed = max(e.Quorum, state.Stores-min(e.Quorum, e.Proven())+1)
	if e.Disabled.Has(safeguard.EnoughMarks) {
		state.Needed = 1
	}
}
