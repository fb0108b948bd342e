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
	"flowring/store/digest"
)

// Config is what an operator sets about a store.
type Config struct {
	// MemoryBudget is how many bytes of memory, as estimated, the slices may take; 0: no limit. Slices not used lately leave
	// memory to keep to it. Those in use stay, and so does the one used last, so that more may be taken: to refuse writes
	// in time is up to admission (P12).
	MemoryBudget int64
	Limits       Limits
}

// Deps are what a store works with.
type Deps struct {
	Journal Journal      // nil: memory only, nothing is durable and nothing leaves memory
	Log     *slog.Logger // nil: silent
}

// Store is what one node holds.
type Store struct {
	budget   int64
	limits   Limits
	journal  Journal
	log      *slog.Logger
	applying identities
	counters counters
	refused  refused

	mu       sync.Mutex
	held     map[flow.Slice]*held
	damaged  map[flow.Slice]digest.Digest // batches that are known to be unreadable; no digest is empty
	drafts   map[flow.Slice]int           // how many snapshots of a slice are being written
	warm     *list.List                   // of the *held in memory, the one used last at the back
	resident int64                        // the sum of held.counted
}

// New returns an empty store. It touches nothing; Open it before use.
func New(config Config, deps Deps) *Store {
	s := &Store{
		budget:  config.MemoryBudget,
		limits:  config.Limits,
		journal: deps.Journal,
		log:     deps.Log,
		held:    make(map[flow.Slice]*held),
		damaged: make(map[flow.Slice]digest.Digest),
		drafts:  make(map[flow.Slice]int),
		warm:    list.New(),
	}
	if s.journal == nil {
		s.budget = 0
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// Open learns from the journal which slices there are. It reads no batch: the time it takes does not grow with the data.
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
		s.held[slice] = &held{slice: slice, changed: time.Now()}
	}
	return nil
}

// Slices returns the slices that have batches here, in order.
func (s *Store) Slices() []flow.Slice {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.AppendSeq(make([]flow.Slice, 0, len(s.held)), maps.Keys(s.held))
	all = slices.DeleteFunc(all, func(slice flow.Slice) bool { return s.held[slice].empty() })
	slices.SortFunc(all, flow.Slice.Compare)
	return all
}
