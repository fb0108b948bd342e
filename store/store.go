package store

import (
	"container/list"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"flowring/flow"
	"flowring/internal/safeguard"
	"flowring/store/count"
	"flowring/store/damage"
	"flowring/store/index"
	"flowring/store/limits"
)

// Config holds the settings of a store.
type Config struct {
	// MemoryBudget is the limit for the estimated memory of the slices in bytes; 0: no limit. The least recently used
	// slices leave memory first. Slices in use stay, and so does the one used last, so memory may exceed the budget.
	// Admission refuses writes in time (P12).
	MemoryBudget int64
	Limits       limits.Limits
	Disabled     safeguard.Set // safeguards disabled by a test
}

// Deps are the collaborators of a store.
type Deps struct {
	Journal Journal      // nil: nothing is durable, and no slice leaves memory
	Log     *slog.Logger // nil: silent
}

// Store holds the slices of one node.
type Store struct {
	budget   int64
	disabled safeguard.Set
	limits   limits.Limits
	journal  Journal
	log      *slog.Logger
	applying index.Locks
	counters count.Counters
	refusals limits.Refusals

	mu         sync.Mutex
	floor      flow.Hour            // hours below it are expired
	erased     func(flow.Hour) bool // reports whether an hour is erased; nil: none is
	entries    map[flow.Slice]*entry
	unreadable damage.Set         // batches known to be unreadable
	drafts     map[flow.Slice]int // number of drafts of each slice
	warm       *list.List         // of *entry: the warm ones, the last used one at the back
	resident   int64              // the sum of entry.size
	unwritten  []flow.Slice       // slices that left memory, whose totals are to be written
}

// New returns an empty store. The caller opens it before use.
func New(config Config, deps Deps) *Store {
	s := &Store{
		budget:     config.MemoryBudget,
		disabled:   config.Disabled,
		floor:      -1 << 63,
		limits:     config.Limits,
		journal:    deps.Journal,
		log:        deps.Log,
		entries:    make(map[flow.Slice]*entry),
		unreadable: make(damage.Set),
		drafts:     make(map[flow.Slice]int),
		warm:       list.New(),
	}
	if s.journal == nil {
		s.budget = 0
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// Open reads the list of slices from the journal. It reads no batch, so its time does not grow with the data.
func (s *Store) Open() error {
	if s.journal == nil {
		return nil
	}
	all, err := s.journal.Slices()
	if err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, slice := range all {
		s.entries[slice] = &entry{slice: slice, changedAt: time.Now()}
	}
	return nil
}

// Slices returns the slices with batches in this store, in order, without the expired ones.
func (s *Store) Slices() []flow.Slice {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.AppendSeq(make([]flow.Slice, 0, len(s.entries)), maps.Keys(s.entries))
	all = slices.DeleteFunc(all, func(slice flow.Slice) bool {
		return s.entries[slice].empty() || s.refuseExpired(slice.Hour) != nil
	})
	slices.SortFunc(all, flow.Slice.Compare)
	return all
}
