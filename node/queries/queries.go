package queries

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	"flowring/ring/roster"
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
	}{{&c.MaxHours, DefaultMaxHours}, {&c.MaxGroups, DefaultMaxGroups}, {&c.MaxQueries, DefaultMaxQueries},
		{&c.FrameSize, defaultFrameSize}} {
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

// maxClips is the number of attempts of a query while floors rise during it.
const maxClips = 3

// evaluate makes all rounds of a query, about the hours of its range that have not expired. If a store says that more
// of them have, it begins again. The caller closes the evaluation.
func (q *Queries) evaluate(ctx context.Context, spec *query.Spec, ask contract.Ask) (*evaluation, error) {
	if hours := hoursOf(spec.From, spec.To); hours > uint64(q.MaxHours) {
		q.counters.hours.Add(1)
		return nil, contract.QueryHours.Errorf("the range has %d hours; this node allows %d (--max-hours-per-query)",
			hours, q.MaxHours)
	}
	if err := q.checkVersion(); err != nil {
		return nil, err
	}
	for range maxClips {
		e, err := q.evaluateOnce(ctx, spec, ask)
		if !errors.Is(err, errClipped) {
			return e, err
		}
	}
	return nil, &contract.UnavailableError{Reason: "hours of the range expired or were erased during the query",
		Err: errClipped}
}

// evaluateOnce is evaluate. It fails with errClipped if hours of the range expired or were erased meanwhile.
func (q *Queries) evaluateOnce(ctx context.Context, spec *query.Spec, ask contract.Ask) (*evaluation, error) {
	kept, from, err := q.clip(spec, ask)
	if err != nil {
		return nil, err
	}
	select {
	case q.slots <- struct{}{}:
	default:
		q.counters.overloads.Add(1)
		return nil, contract.Overloaded.Errorf("%d queries are in progress at this node (--max-queries)", q.MaxQueries)
	}
	e := newEvaluation(ctx, q, kept, ask)
	e.from, e.erased = from, q.erased(kept)
	err = e.open()
	if q.expired(kept.From) || !slices.Equal(e.erased, q.erased(kept)) {
		err = errClipped
	}
	if err != nil {
		e.Close()
		return nil, e.cause(err)
	}
	return e, nil
}

// errClipped ends the attempt of a query a part of whose range has expired or was erased meanwhile.
var errClipped = errors.New("a part of the range has expired or was erased")

// clip returns the question about the hours of a range that have not expired, and the first one of these; nil: all of
// the range. It fails with contract.Expired if there is none, or if the reader needs the whole range.
func (q *Queries) clip(spec *query.Spec, ask contract.Ask) (*query.Spec, *flow.Hour, error) {
	if !q.expired(spec.From) {
		return spec, nil, nil
	}
	floor := q.Replicas.Cluster.Roster().Floors().Expired
	switch {
	case spec.To <= floor:
		return nil, nil, contract.Expired.Errorf("every hour of the range has expired: the first hour that is kept is %d",
			floor)
	case ask.Need == contract.NeedComplete:
		return nil, nil, contract.Expired.Errorf("the hours of the range before %d have expired", floor)
	}
	kept := *spec
	kept.From = floor
	return &kept, &floor, nil
}

// expired reports whether an hour has expired, by the present roster.
func (q *Queries) expired(h flow.Hour) bool {
	return q.Replicas.Cluster.Roster().Floors().Expires(h) && !q.Disabled.Has(safeguard.SayExpired)
}

// erased returns the erased hours of a question, by the present roster. The answer leaves them out.
func (q *Queries) erased(spec *query.Spec) roster.Marks {
	return q.Replicas.Cluster.Roster().Marks().ErasedWithin(spec.From, spec.To)
}

// checkVersion refuses a query while a store of the roster does not speak the calls of queries. Its answer about an
// hour would be missing. A store that has just joined and one of a program before versions have said no version. The
// calls leave nothing on disk, so the version need not be on yet.
func (q *Queries) checkVersion() error {
	roster := q.Replicas.Cluster.Roster()
	if holders := roster.Below(compat.Version(compat.Queries)); len(holders) > 0 {
		return &contract.UnavailableError{Reason: fmt.Sprintf(
			"queries of many hours need version %d at all stores, and these speak an older one or have said none yet: %s",
			compat.Queries, strings.Join(roster.Labels(holders), ", "))}
	}
	return nil
}

// hoursOf returns the number of hours of a range.
func hoursOf(from, to flow.Hour) uint64 { return uint64(to) - uint64(from) }

// errTimeout ends a query that takes longer than Config.Timeout.
var errTimeout = errors.New("the query took too long")
