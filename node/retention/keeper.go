package retention

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"flowring/flow"
	"flowring/internal/compat"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/ring/roster"
)

// Config describes the retention of a node.
type Config struct {
	Keep     time.Duration // the retention; 0: this node proposes nothing
	Quorum   int           // W
	Disabled safeguard.Set // safeguards that are off, in tests
}

// least is the least retention: with less, hours would be closed while agents post them.
const least = 24 * time.Hour

// Check refuses a retention that a node cannot have. unix reports whether its hours are hours since 1970.
func Check(keep time.Duration, unix bool) error {
	switch {
	case keep == 0:
		return nil
	case keep < least:
		return fmt.Errorf("retention %s: must be at least %s, or 0 to keep all hours", keep, least)
	case !unix:
		return errors.New("retention: needs hours unix, because other numbers have no age")
	}
	return nil
}

// Deps are the collaborators of a Keeper.
type Deps struct {
	State State
	Clock Clock
	Log   *slog.Logger
}

// State is the durable roster of the node.
type State interface {
	Roster() roster.Roster
	Self() roster.Store
	RaiseFloors(roster.Floors) error // does nothing before the version with floors is on
}

// Clock is the clock of the node, with the time since an arbitrary begin, which no change of the wall clock touches.
type Clock interface {
	Millis() int64
	Off() bool
	Monotonic() time.Duration
}

// Keeper raises the floors of one store.
type Keeper struct {
	cfg   Config
	deps  Deps
	begun time.Duration // of the process, by Clock.Monotonic

	mu        sync.Mutex
	seen      []mark   // values of C with the uptime at which this store had them on disk, ascending
	announced []mark   // hours to which C may rise, with the uptime of their announcement, ascending
	own       Proposal // said last
	last      Poll     // of the last Step
	next      Plan     // of the last Step
}

// mark is an hour and an uptime.
type mark struct {
	hour flow.Hour
	at   time.Duration
}

// New returns a Keeper of a process that starts now.
func New(cfg Config, deps Deps) *Keeper {
	return &Keeper{cfg: cfg, deps: deps, begun: deps.Clock.Monotonic()}
}

func (k *Keeper) uptime() time.Duration { return k.deps.Clock.Monotonic() - k.begun }

// Proposal returns the report of this store for a heartbeat with the roster r. lowest is its lowest hour with a batch;
// empty: it holds none. Before the version with floors is on, and without an established store, the report is empty.
func (k *Keeper) Proposal(r roster.Roster, lowest flow.Hour, empty bool) Proposal {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.own = Proposal{}
	if !compat.Floors.On(r.Version()) {
		return k.own
	}
	up := k.uptime()
	k.own = Proposal{
		Uptime: up.Milliseconds(), Rested: k.observe(r.Floors().Closed, up).Milliseconds(), Lowest: lowest, Empty: empty,
	}
	if k.cfg.Keep > 0 && !k.deps.Clock.Off() {
		k.own.Before = max(0, k.deps.Clock.Millis()-k.cfg.Keep.Milliseconds())
	}
	return k.own
}

// observe notes C, which is on disk, and returns the uptime since it rose. Heartbeats observe the roster that they
// carry, so that no proposer counts as rested with the time of an earlier C. The caller holds mu.
func (k *Keeper) observe(closed flow.Hour, up time.Duration) time.Duration {
	if n := len(k.seen); n == 0 || closed > k.seen[n-1].hour {
		k.seen = append(k.seen, mark{closed, up})
	}
	for len(k.seen) > 1 && up-k.seen[1].at >= wait {
		k.seen = k.seen[1:]
	}
	return up - k.seen[len(k.seen)-1].at
}

// Step takes the answers to a round of heartbeats, without this store's own, and raises the floors as far as they
// allow.
func (k *Keeper) Step(heard []Report) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, self := k.deps.State.Roster(), k.deps.State.Self()
	if !compat.Floors.On(r.Version()) || !self.Counts() {
		return
	}
	floors, up := r.Floors(), k.uptime()
	k.own.Rested = k.observe(floors.Closed, up).Milliseconds()
	k.last = k.poll(r, append(heard, Report{self.ID, floors.Closed, k.own}))
	k.next = k.last.Plan()
	k.announce(up)
	if to := k.closable(up); to > floors.Closed && k.raise(roster.Floors{Closed: to}) {
		k.deps.Log.Info("hours closed", "below", to, "before", floors.Closed)
	}
	if to := min(k.aged(up), k.stillAgreed()); to > floors.Expired && k.raise(roster.Floors{Expired: to}) {
		k.deps.Log.Info("hours expired", "below", to, "before", floors.Expired)
	}
}

func (k *Keeper) poll(r roster.Roster, reports []Report) Poll {
	p := Poll{
		Stores: len(r.Stores()), Established: r.CountEstablished(), Quorum: k.cfg.Quorum, Closed: r.Floors().Closed,
		Disabled: k.cfg.Disabled,
		Counts:   func(id roster.StoreID) bool { s, _ := r.Get(id); return s.Counts() },
	}
	for _, report := range reports {
		if s, known := r.Get(report.Store); known && !s.Forgotten {
			p.Reports = append(p.Reports, report)
		}
	}
	return p
}

// announce logs the next raise over hours with data, an hour before it. A round without a decision withdraws nothing,
// because a single lost heartbeat would start the hour anew.
func (k *Keeper) announce(up time.Duration) {
	plan := k.next
	if plan.Wanted > 0 {
		for len(k.announced) > 0 && k.announced[len(k.announced)-1].hour > max(plan.Soon, plan.Due) {
			k.announced = k.announced[:len(k.announced)-1]
		}
	}
	for len(k.announced) > 1 && (k.announced[1].hour <= k.last.Closed || up-k.announced[1].at >= rest) {
		k.announced = k.announced[1:]
	}
	if plan.Soon <= plan.Free || len(k.announced) > 0 && k.announced[len(k.announced)-1].hour >= plan.Soon {
		return
	}
	k.announced = append(k.announced, mark{plan.Soon, up})
	k.deps.Log.Info("hours will be closed", "below", plan.Soon, "now", k.last.Closed, "in", k.in(plan).Round(time.Second))
}

// in returns the time until C rises to plan.Soon, which is announced now.
func (k *Keeper) in(plan Plan) time.Duration {
	return max(time.Duration(plan.In)*time.Millisecond, rest)
}

// closable returns the hour to which C rises now.
func (k *Keeper) closable(up time.Duration) flow.Hour {
	if k.cfg.Disabled.Has(safeguard.FloorRate) {
		return k.next.Due
	}
	closable := k.next.Free
	for _, a := range k.announced {
		if up-a.at >= rest {
			closable = max(closable, min(a.hour, k.next.Due))
		}
	}
	return closable
}

// aged returns the highest value of C that this store has had long enough for F to follow.
func (k *Keeper) aged(up time.Duration) (hour flow.Hour) {
	for _, s := range k.seen {
		if up-s.at >= wait || k.cfg.Disabled.Has(safeguard.FloorWait) {
			hour = s.hour
		}
	}
	return hour
}

// stillAgreed returns the hour to which the proposals would raise C now.
func (k *Keeper) stillAgreed() flow.Hour {
	if k.cfg.Disabled.Has(safeguard.FloorStill) {
		return maxHour
	}
	return k.next.Agreed
}

// raise raises the floors, and reports whether the disk took them.
func (k *Keeper) raise(to roster.Floors) bool {
	err := k.deps.State.RaiseFloors(to)
	if err != nil {
		k.deps.Log.Error("floors not raised", "closed", to.Closed, "expired", to.Expired, "error", err)
	}
	return err == nil
}

// Confirm raises C to the hour on which the stores agree now, although no store announced it, stores are in their first
// hour, and more than 24 hours have data.
func (k *Keeper) Confirm() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	closed := k.deps.State.Roster().Floors().Closed
	if k.next.Wanted <= closed {
		return contract.Guarded.Errorf("%s", k.nothing(closed))
	}
	if err := k.deps.State.RaiseFloors(roster.Floors{Closed: k.next.Wanted}); err != nil {
		return fmt.Errorf("raise the floors: %w", err)
	}
	k.deps.Log.Warn("hours closed by an operator", "below", k.next.Wanted, "before", closed)
	return nil
}

// nothing says why there is nothing to confirm.
func (k *Keeper) nothing(closed flow.Hour) string {
	need := max(k.last.Quorum, k.last.Established/2+1)
	if k.next.Wanted == 0 {
		return fmt.Sprintf("fewer than %d established stores propose an hour: start the nodes with --retention, "+
			"and check their clocks", need)
	}
	return fmt.Sprintf("%d established stores agree on hour %d, and hours below %d are closed already", need,
		k.next.Wanted, closed)
}
