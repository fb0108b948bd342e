package queries

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/compat"
	"flowring/internal/contract"
	"flowring/internal/safeguard"
	"flowring/node/peer"
	"flowring/node/replica"
	"flowring/router/admission"
	"flowring/store"
)

// Config is the part of a node's configuration for queries. Zero limits stand for the defaults.
type Config struct {
	Slices     int           // of an hour
	MaxHours   int           // in the range of a query
	MaxGroups  int           // of a query at one store
	MaxQueries int           // asked at this node at once
	Timeout    time.Duration // until the first row
	FrameSize  int           // bytes of a frame of groups, about
	Disabled   safeguard.Set // for tests alone: safeguards that are off
}

// The defaults.
const (
	DefaultMaxHours   = 9_000 // a year and 10 days
	DefaultMaxGroups  = 10_000_000
	DefaultMaxQueries = 32
	DefaultTimeout    = 30 * time.Second

	defaultFrameSize = 64 << 10
)

func (c Config) withDefaults() Config {
	for _, limit := range []struct {
		value *int
		def   int
	}{{&c.MaxHours, DefaultMaxHours}, {&c.MaxGroups, DefaultMaxGroups}, {&c.MaxQueries, DefaultMaxQueries}, {&c.FrameSize, defaultFrameSize}} {
		if *limit.value == 0 {
			*limit.value = limit.def
		}
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	return c
}

// Deps are the collaborators of Queries.
type Deps struct {
	Replicas *replica.Replicas
	Store    *store.Store
	Client   *peer.Client
	CPUSlots admission.CPUSlots // for adding up and merging
}

// Queries answers queries. It is safe for concurrent use.
type Queries struct {
	Config
	Deps
	slots chan struct{} // of the queries asked here

	groups atomic.Int64 // of all queries at this store

	counters counters
}

// Stats are numbers about queries. The counters start at zero with the process.
type Stats struct {
	Asked     int64 // queries in progress that were asked here
	Working   int64 // queries for which this store adds up or sends groups now
	Folded    int64 // slices added up here
	Rounds    int64 // of these, slices that needed a round of their own
	Hours     int64 // queries refused for Config.MaxHours
	Groups    int64 // for Config.MaxGroups, at this store
	TimedOut  int64 // for Config.Timeout
	Overloads int64 // for Config.MaxQueries
}

type counters struct {
	asked, working, folded, rounds, hours, groups, timedOut, overloads atomic.Int64
}

// New returns Queries.
func New(cfg Config, deps Deps) *Queries {
	q := &Queries{Config: cfg.withDefaults(), Deps: deps}
	q.slots = make(chan struct{}, q.MaxQueries)
	return q
}

// Stats returns the current numbers.
func (q *Queries) Stats() Stats {
	c := &q.counters
	return Stats{
		Asked: c.asked.Load(), Working: c.working.Load(), Folded: c.folded.Load(), Rounds: c.rounds.Load(),
		Hours: c.hours.Load(), Groups: c.groups.Load(), TimedOut: c.timedOut.Load(), Overloads: c.overloads.Load(),
	}
}

// Query opens the answer to a question, which must be valid. The caller closes the rows, within ctx. It fails with a
// *contract.UnavailableError if the answer is less complete than needed, and with another refusal beyond a limit.
func (q *Queries) Query(ctx context.Context, spec *query.Spec, ask contract.Ask) (contract.Rows, error) {
	e, err := q.evaluate(ctx, spec, ask)
	if err != nil {
		return nil, err
	}
	return e.rows(), nil
}

// evaluate makes all rounds of a query. The caller closes the evaluation.
func (q *Queries) evaluate(ctx context.Context, spec *query.Spec, ask contract.Ask) (*evaluation, error) {
	if hours := hoursOf(spec.From, spec.To); hours > uint64(q.MaxHours) {
		q.counters.hours.Add(1)
		return nil, contract.QueryHours.Errorf("the range has %d hours; this node allows %d (--max-hours-per-query)",
			hours, q.MaxHours)
	}
	if err := q.checkVersion(); err != nil {
		return nil, err
	}
	select {
	case q.slots <- struct{}{}:
	default:
		q.counters.overloads.Add(1)
		return nil, contract.Overloaded.Errorf("%d queries are in progress at this node (--max-queries)", q.MaxQueries)
	}
	e := newEvaluation(ctx, q, spec, ask)
	if err := e.open(); err != nil {
		e.Close()
		return nil, e.cause(err)
	}
	return e, nil
}

// checkVersion refuses a query while a store of the roster does not speak the calls of queries. Its answer about an hour
// would be missing. The calls leave nothing on disk, so the version need not be on yet.
func (q *Queries) checkVersion() error {
	roster := q.Replicas.Cluster.Roster()
	if holders := roster.Below(compat.Version(compat.Queries)); len(holders) > 0 {
		return &contract.UnavailableError{Reason: fmt.Sprintf(
			"queries of many hours need version %d at all stores, and these speak an older one: %s", compat.Queries,
			strings.Join(roster.Labels(holders), ", "))}
	}
	return nil
}

// hoursOf returns the number of hours of a range.
func hoursOf(from, to flow.Hour) uint64 { return uint64(to) - uint64(from) }

// errTimeout ends a query that takes longer than Config.Timeout.
var errTimeout = errors.New("the query took too long")
