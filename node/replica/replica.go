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
	"flowring/node/replica/bykey"
	"flowring/node/replica/candidates"
	"flowring/node/replica/coalesce"
	"flowring/node/replica/keys"
	"flowring/node/replica/late"
	"flowring/node/replica/owners"
	"flowring/node/replica/pace"
	"flowring/node/replica/proof"
	"flowring/node/replica/replication"
	"flowring/node/replica/rounds"
	"flowring/node/replica/scrub"
	"flowring/node/replica/underway"
	"flowring/ring"
	"flowring/ring/roster"
	"flowring/store"
	"flowring/store/digest"
)

// Config is the settings of replication. A zero duration stands for the default at the end of its comment.
type Config struct {
	Copies       int           // R: stores for each batch
	Quorum       int           // W: stores with a batch on disk before it is acknowledged
	Slices       int           // S: slices of an hour; 0: 1
	HedgeAfter   time.Duration // the time of a write at a store until the next store is asked beside it; 300 ms
	DigestWait   time.Duration // the time for the digest of a store in a read, and for all pushes of a read; 1 s
	ReadWait     time.Duration // the time for all digests and pulls of a read; 1.5 s
	CallWait     time.Duration // the time for any other call; 4 s
	RepairEvery  time.Duration // the pause between two passes of repair; 3 s
	StandInAfter time.Duration // the absence of a store until another store keeps copies in its place; 10 s
	DropAfter    time.Duration // the age of the replicas' confirmation when a copy is dropped; CallWait + 1 s
	ScrubPeriod  time.Duration // the time of a pass over the journal, but the first; 0: there is only the first
	RepairBytes  int           // bytes per second of repair; 0: 64 MiB
	SealAfter    time.Duration // the time without a new batch until an hour is sealed; 0: never
	SealBatches  int           // the least number of loose batches for a seal; 0: 64
	Keys         int           // the number of keys to remember over all hours; 0: none
	Disabled     safeguard.Set // safeguards disabled by a test
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{
		{&c.HedgeAfter, 300 * time.Millisecond},
		{&c.DigestWait, time.Second}, {&c.ReadWait, 1500 * time.Millisecond}, {&c.CallWait, 4 * time.Second},
		{&c.RepairEvery, 3 * time.Second}, {&c.StandInAfter, 10 * time.Second},
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

// Peers calls other nodes by address. Each call merges the roster of the answer before it returns. Refusals are those
// of package contract.
type Peers interface {
	Heard(addr string) bool // false: the last call failed; ends with the next good heartbeat
	Gone(addr string) bool  // true: all calls have failed for a long time
	Admit(ctx context.Context, addr string, checked bool, posting flow.ID, batches ...[]byte) (replayed bool, err error)
	// BeginAdmit begins an Admit and does not wait. It returns nil if the call has to wait before it is sent.
	BeginAdmit(ctx context.Context, addr string, checked bool, posting flow.ID, batches ...[]byte) owners.Pending
	AdmitByKey(ctx context.Context, addr string, known bool, batches ...[]byte) (replayed bool, err error)
	Check(ctx context.Context, addr string, posting flow.ID, batches ...[]byte) (replayed bool, err error)
	Apply(ctx context.Context, addr string, batches ...[]byte) (roster.Store, error)
	Look(
		ctx context.Context, addr string, round late.Round, posting flow.ID, batches ...[]byte,
	) (from roster.Store, yes bool, err error)
	Digest(ctx context.Context, addr string, s flow.Slice, roster string) (DigestReply, error)
	Secure(ctx context.Context, addr string) (roster.Store, error)
	Missing(ctx context.Context, addr string, s flow.Slice, have digest.Digest, fn func(frame []byte) error) error
	Give(
		ctx context.Context, addr string, s flow.Slice, frames func(fn func(frame []byte) error) error,
	) (roster.Store, error)
	Summary(ctx context.Context, addr string) (roster.Store, map[flow.Slice][16]byte, error)
}

// Deps are the collaborators of Replicas.
type Deps struct {
	Log         *slog.Logger
	Cluster     candidates.Cluster
	Peers       Peers
	Store       *store.Store
	Refuse      func() error        // returns why this node admits no write now; nil: it admits all
	DiskLost    func() bool         // reports whether no disk has the content of this store any more; nil: never
	NotSent     func(error) bool    // reports whether a failed call to a peer cannot have had an effect
	Silent      func(error) bool    // reports whether a call failed because the peer was silent; nil: never
	Fail        func(error)         // gets damage that no other store can make good; nil: it is logged
	Acked       func(time.Duration) // gets the time until another store acknowledged batches; nil: it is not called
	RingSettled func(*ring.Ring)    // gets, in order, each ring whose slices are all taken over; nil: it is not called
	LastSettled *ring.Ring          // the last such ring of the process before; nil: none
}

// Replicas is this node's part in keeping every batch on enough stores. It is safe for concurrent use.
type Replicas struct {
	Config
	Deps
	rule      proof.Rule
	origin    uint64
	seqs      sync.Map      // flow.Slice -> *atomic.Uint64: the last sequence number given to a batch
	keyless   atomic.Uint64 // postings without a key so far
	hedges    *pace.Budget  // of attempts beside slow ones
	keys      *keys.Memory
	late      *late.Submitter
	byKey     bykey.Taker
	finder    *candidates.Finder
	coalescer *coalesce.Coalescer[candidates.Candidate]
	writer    *replication.Replicator
	reads     *rounds.Rounds[Known, Reading]
	repair    repairState
	metrics   counters

	readsUnlessBehind *rounds.Rounds[Known, Reading]

	recovered atomic.Bool  // see recover.go
	secured   atomic.Int64 // see Secured
	toSecure  atomic.Int64
	scrubber  *scrub.Scrubber
	started   time.Time

	ctx     context.Context // ends with Stop; bounds all work in the background
	cancel  context.CancelFunc
	loops   sync.WaitGroup
	workers *workers.Workers // of runDetached

	mu      sync.Mutex
	stopped bool // nothing may start any more
}

// New returns inert replicas. The origin must be random, and new at each start of the process (P9).
func New(origin uint64, cfg Config, deps Deps) *Replicas {
	r := &Replicas{Config: cfg.withDefaults(), Deps: deps, origin: origin, started: time.Now()}
	r.rule = proof.Rule{Cluster: r.Cluster, Copies: r.Copies, Quorum: r.Quorum, Disabled: r.Disabled}
	if r.Silent == nil {
		r.Silent = func(error) bool { return false }
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.workers = workers.New(r.ctx)
	r.hedges = pace.NewBudget(0.05, 10)
	r.keys = keys.NewMemory(r.Keys)
	r.late = &late.Submitter{
		Asker:        late.Asker{Rule: &r.rule, Ask: r.look},
		Roster:       func() roster.Roster { return r.Cluster.Roster() },
		UnderWay:     underway.New(2*r.CallWait + 2*time.Second), // a call ends by then at the other store, too
		PartlyStored: r.partlyStored,
	}
	r.finder = &candidates.Finder{Cluster: r.Cluster, Heard: func(addr string) bool { return r.Peers.Heard(addr) }}
	r.coalescer = coalesce.New(store.ApplyAtOnce, r.runDetached, r.applyAt)
	r.writer = &replication.Replicator{
		Finder: r.finder, Rule: &r.rule, Copies: r.Copies, Quorum: r.Quorum, HedgeAfter: r.HedgeAfter, Hedges: r.hedges,
		Disabled: r.Disabled, Send: r.send, Acked: r.Acked, Stop: r.ctx, Stopped: errStopped,
	}
	r.reads = rounds.New[Known, Reading](r.runDetached)
	r.readsUnlessBehind = rounds.New[Known, Reading](r.runDetached)
	r.repair.init(deps.LastSettled)
	if !r.Disabled.Has(safeguard.Scrub) {
		r.scrubber = &scrub.Scrubber{Deps: scrub.Deps{
			Store: r.Store, Period: r.ScrubPeriod, Rate: r.RepairBytes, Log: r.Log, Wake: r.Wake, Fail: r.Fail,
		}}
	}
	r.recovered.Store(r.Quorum == 1) // no other store need have this one's acknowledged batches
	return r
}

// Start starts the loops of repair, scrub and sealing.
func (r *Replicas) Start() {
	if r.scrubber != nil {
		r.scrubber.Expect()
		r.loops.Go(func() { r.scrubber.Run(r.ctx) })
	}
	r.loops.Go(r.repairLoop)
	if r.SealAfter > 0 {
		r.loops.Go(r.sealLoop)
	}
}

// Stop ends the loops and the detached functions, and waits for them. Calls after Stop fail.
func (r *Replicas) Stop() {
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	r.cancel()
	r.loops.Wait()
	r.workers.Wait()
}

// errStopped is the error of a call after Stop.
var errStopped = errors.New("this node is stopping")

// runDetached runs fn in another goroutine, which may outlive the request; Stop waits for it. After Stop it returns
// errStopped and does not run fn.
func (r *Replicas) runDetached(fn func()) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return errStopped
	}
	r.workers.Run(fn)
	return nil
}

// counts reports whether the acks and digests of a store count.
func (r *Replicas) counts(from roster.Store) bool { return r.rule.Counts(from) }

// isReplica reports whether a member is one of the R replicas of a slice by a ring.
func (r *Replicas) isReplica(on *ring.Ring, s flow.Slice, name string) bool {
	return r.rule.IsReplica(on, s, name)
}

// Expired reports whether an hour is below the floor of the roster or erased, so that no store keeps it.
func (r *Replicas) Expired(h flow.Hour) bool { return r.Cluster.Roster().Gone(h) }

// Rule returns the rule by which this store judges answers.
func (r *Replicas) Rule() *proof.Rule { return &r.rule }

// Scrubs returns the figures of the passes over the journal.
func (r *Replicas) Scrubs() (s scrub.Stats) {
	if r.scrubber != nil {
		s = r.scrubber.Stats()
	}
	return s
}

// reading reports whether the first pass over the journal is under way.
func (r *Replicas) reading() bool { return r.scrubber != nil && r.scrubber.First() }

// Reachable reports whether a store is this node's own, or the last call to its node succeeded.
func (r *Replicas) Reachable(id roster.StoreID) bool { return r.finder.Reachable(id) }

// KeysRemembered returns the number of remembered keys, and the number of batches refused for them.
func (r *Replicas) KeysRemembered() (held int64, refused uint64) { return r.keys.Counts() }
