package replica

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"flowring/flow"
	"flowring/internal/safeguard"
	"flowring/internal/workers"
	"flowring/node/replica/coalesce"
	"flowring/node/replica/pace"
	"flowring/node/replica/rounds"
	"flowring/ring"
	"flowring/ring/roster"
	"flowring/store"
	"flowring/store/digest"
)

// Config says how many copies are kept, and how long others are waited for. Zero durations stand for the defaults.
type Config struct {
	Copies       int           // R: stores that keep each batch
	Quorum       int           // W: stores that have fsynced a batch before it is acknowledged
	Slices       int           // S: slices of an hour; 0: 1
	HedgeAfter   time.Duration // a store that has not answered a write by then is doubled by the next one; 300 ms
	DigestWait   time.Duration // how long a read waits for a store's digest; 1 s
	ReadWait     time.Duration // how long a read asks other stores and pulls from them; 1.5 s
	CallWait     time.Duration // how long what goes on behind an answer may take, per call; 4 s
	RepairEvery  time.Duration // pause between two passes of repair; 3 s
	StandInAfter time.Duration // how long a store must have been missed before another keeps copies in its place; 10 s
	DropAfter    time.Duration // how long the replicas must have confirmed to hold a slice before a copy is dropped; CallWait + 1 s
	ScrubEvery   time.Duration // pause between two passes that read all that the journal has; 24 h
	RepairBytes  int           // bytes per second that repair fetches; 0: 64 MiB
	SealAfter    time.Duration // how long an hour must have got no batch before it is sealed; 0: never
	Keys         int           // how many keys are remembered over all hours; 0: none
	SealBatches  int           // how many batches must be there to be put into a snapshot; 0: 64
	Disabled     safeguard.Set // safeguards that a test has switched off
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{
		{&c.HedgeAfter, 300 * time.Millisecond}, {&c.DigestWait, time.Second}, {&c.ReadWait, 1500 * time.Millisecond}, {&c.CallWait, 4 * time.Second},
		{&c.RepairEvery, 3 * time.Second}, {&c.ScrubEvery, 24 * time.Hour}, {&c.StandInAfter, 10 * time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.def
		}
	}
	if c.DropAfter == 0 {
		c.DropAfter = c.CallWait + time.Second
	}
	c.Slices = cmp.Or(c.Slices, 1)
	c.RepairBytes = cmp.Or(c.RepairBytes, 64<<20)
	c.SealBatches = cmp.Or(c.SealBatches, 64)
	return c
}

// Cluster is what this node knows of the others. All its methods return at once.
type Cluster interface {
	Self() roster.Store
	Roster() roster.Roster
	Ring() *ring.Ring
	Addr(id roster.StoreID) string // where the store's node was last seen; "" if never
}

// Peers calls other nodes by address. Each call merges the roster it is answered with before it returns. Refusals match the
// errors of package store.
type Peers interface {
	Heard(addr string) bool // false: the last call failed, leave it out until a heartbeat succeeds
	Gone(addr string) bool  // true: no call has been heard for so long that it is of no use to try
	Admit(ctx context.Context, addr string, checked bool, posting flow.ID, batches ...[]byte) (replayed bool, err error)
	Check(ctx context.Context, addr string, posting flow.ID, batches ...[]byte) (replayed bool, err error)
	Apply(ctx context.Context, addr string, batches ...[]byte) (roster.Store, error)
	Digest(ctx context.Context, addr string, s flow.Slice, roster string) (Voice, error)
	Secure(ctx context.Context, addr string) (roster.Store, error)
	Missing(ctx context.Context, addr string, s flow.Slice, have digest.Digest, fn func(frame []byte) error) error
	Give(ctx context.Context, addr string, s flow.Slice, frames func(fn func(frame []byte) error) error) (roster.Store, error)
	Summary(ctx context.Context, addr string) (roster.Store, map[flow.Slice][16]byte, error)
}

// Voice is what a store says of a slice.
type Voice struct {
	From       roster.Store
	Digest     digest.Digest // of what it holds
	TakingOver bool          // it is new among the slice's replicas: what the former ones held may not be there yet
	Recovering bool          // it started lately, and its disk may be older than it was: it proves nothing yet
}

// Deps are the collaborators of Replicas.
type Deps struct {
	Log     *slog.Logger
	Cluster Cluster
	Peers   Peers
	Store   *store.Store
	Refuse  func() error     // why this node admits no write now; nil, or nil from it: it does
	Lost    func() bool      // whether what this store holds is on no disk any more; nil: never
	NotSent func(error) bool // whether a failed call to a peer cannot have had an effect
	Unheard func(error) bool // whether a call failed because the peer was silent; nil: never
	Fail    func(error)      // told of damage that no other store can make good; nil: nobody
	Settled func(*ring.Ring) // told, in order, of each ring whose slices are all taken over; nil: nobody
	Before  *ring.Ring       // the last such ring of an earlier life; nil: none
}

// Replicas is this node's part in keeping every batch on enough stores. It is safe for concurrent use.
type Replicas struct {
	Config
	Deps
	origin  uint64
	seqs    sync.Map      // flow.Slice -> *atomic.Uint64: the last seq given
	keyless atomic.Uint64 // postings without a key so far
	hedges  *pace.Budget
	keys    *keys
	writes  *coalesce.Coalescer[place]
	rounds  *rounds.Rounds[Known, Reading] // of Read
	seeking *rounds.Rounds[Known, Reading] // of ReadUnlessBehind
	repair  repairState
	metrics counters

	recovered atomic.Bool  // see recover.go
	secured   atomic.Int64 // see Secured
	toSecure  atomic.Int64
	scrubbing atomic.Bool // the first pass over the journal is under way
	started   time.Time

	ctx     context.Context // ends with Stop: bounds everything that goes on behind an answer
	cancel  context.CancelFunc
	wg      sync.WaitGroup   // of the loops
	workers *workers.Workers // for what goes on behind an answer

	mu      sync.Mutex
	stopped bool // nothing is begun any more
}

// New returns replicas that do nothing yet. The origin must be random, and new at each start of the process (P9).
func New(origin uint64, cfg Config, deps Deps) *Replicas {
	r := &Replicas{Config: cfg.withDefaults(), Deps: deps, origin: origin, hedges: pace.NewBudget(0.05, 10), keys: newKeys(cfg.Keys), started: time.Now()}
	if r.Unheard == nil {
		r.Unheard = func(error) bool { return false }
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.workers = workers.New(r.ctx)
	r.writes = coalesce.New(store.ApplyAtOnce, r.runDetached, r.applyAt)
	r.rounds, r.seeking = rounds.New[Known, Reading](r.runDetached), rounds.New[Known, Reading](r.runDetached)
	r.repair.init(deps.Before)
	r.recovered.Store(r.Quorum == 1) // then no other store need know what this one acknowledged
	return r
}

// Start begins to repair and to seal.
func (r *Replicas) Start() {
	r.scrubbing.Store(!r.Disabled.Has(safeguard.Scrub))
	r.wg.Go(r.repairLoop)
	r.wg.Go(r.scrubLoop)
	if r.SealAfter > 0 {
		r.wg.Go(r.sealLoop)
	}
}

// Stop ends repair and sealing, and what still goes on behind answered requests, and waits for both. A call that comes later fails.
func (r *Replicas) Stop() {
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	r.cancel()
	r.wg.Wait()
	r.workers.Wait()
}

// errStopped says that a call came too late.
var errStopped = errors.New("this node is stopping")

// runDetached runs fn in another goroutine, which may outlive the request; Stop waits for it. After Stop it returns errStopped and does
// not run fn.
func (r *Replicas) runDetached(fn func()) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return errStopped
	}
	r.workers.Run(fn)
	return nil
}

// storeOf returns the store placed under a node's name. A node that lost its disk has two until the old one is forgotten: the one
// that answers is the one to use.
func (r *Replicas) storeOf(roster roster.Roster, name string) (roster.Store, bool) {
	st, ok := roster.ByName(name)
	if !ok || r.reachable(st.ID) {
		return st, ok
	}
	for _, other := range roster.Established() {
		if other.Name == name && r.reachable(other.ID) {
			return other, true
		}
	}
	return st, true
}

// reachable reports whether a store is this one, or its node was heard at the last call.
func (r *Replicas) reachable(id roster.StoreID) bool {
	if id == r.Cluster.Self().ID {
		return true
	}
	addr := r.Cluster.Addr(id)
	return addr != "" && r.Peers.Heard(addr)
}

// counts reports whether an ack or a digest of a store counts: it is established, and neither leaving nor forgotten by the roster
// as merged by now.
func (r *Replicas) counts(from roster.Store) bool {
	s, ok := r.Cluster.Roster().Get(from.ID)
	return ok && !s.Forgotten && !s.Leaving && (s.Established || from.Established)
}

// replica reports whether the store of node name is one of the slice's R replicas by a ring.
func (r *Replicas) replica(on *ring.Ring, s flow.Slice, name string) bool {
	owners := on.Candidates(s)
	for _, owner := range owners[:min(r.Copies, len(owners))] {
		if owner == name {
			return true
		}
	}
	return false
}
