package replica

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"

	"flowring/flow"
	"flowring/store"
)

// memory is a journal in memory, without snapshots.
type memory struct {
	store.Journal // nil: the methods that are not below must not be called

	mu      sync.Mutex
	batches map[flow.Slice]map[flow.Dot][]byte
	totals  map[flow.Slice][]byte
	gate    chan struct{} // Append waits until it is closed; nil: it does not wait
	appends int           // calls of Append
	fail    func() error  // returns the error of the first Append, which has its effect
}

func newMemory() *memory {
	return &memory{batches: map[flow.Slice]map[flow.Dot][]byte{}, totals: map[flow.Slice][]byte{}}
}

func (m *memory) Append(batches ...flow.Written) error {
	if m.gate != nil {
		<-m.gate
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.appends++
	for _, b := range batches {
		if m.batches[b.Slice] == nil {
			m.batches[b.Slice] = map[flow.Dot][]byte{}
		}
		m.batches[b.Slice][b.Dot] = slices.Clone(b.Bytes)
	}
	fail := m.fail
	if m.fail = nil; fail != nil {
		return fail()
	}
	return nil
}

// Packs implements store.Journal: this one has none.
func (m *memory) Packs() bool { return false }

func (m *memory) Slices() ([]flow.Slice, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Keys(m.batches), flow.Slice.Compare), nil
}

func (m *memory) dots(s flow.Slice) []flow.Dot {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Keys(m.batches[s]), func(a, b flow.Dot) int {
		return cmp.Or(cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Seq, b.Seq))
	})
}

func (m *memory) Dots(s flow.Slice, fn func(flow.Dot) error) error {
	for _, d := range m.dots(s) {
		if err := fn(d); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) Load(s flow.Slice, fn func([]byte) error) error {
	return m.Dots(s, func(d flow.Dot) error {
		batch, err := m.Get(s, d)
		if err != nil {
			return err
		}
		return fn(batch)
	})
}

func (m *memory) Get(s flow.Slice, d flow.Dot) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	batch, ok := m.batches[s][d]
	if !ok {
		return nil, fmt.Errorf("no batch %s", d)
	}
	return batch, nil
}

func (m *memory) SetTotals(s flow.Slice, totals []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.totals[s] = slices.Clone(totals)
	return nil
}

func (m *memory) Totals(s flow.Slice) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.totals[s], nil
}

func (m *memory) Head(flow.Slice) ([]byte, error) { return nil, nil }

func (m *memory) Drop(s flow.Slice) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.batches, s)
	return nil
}
