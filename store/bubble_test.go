//go:build !race

// Bubbles crash under the race detector of Go 1.26 (go.dev/issue/76691).

package store

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"flowring/flow"
)

// Unrelated batches are written at the same time, so they can share fsyncs. A second copy of a batch waits for the
// first one and is known only after that is durable (P2).
func TestOnlyCopiesOfABatchWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const others = 8
		j, fsync := newMemJournal(), make(chan struct{})
		s := opened(t, j, 0)
		var writing atomic.Int64
		j.onAppend = func(flow.Dot) error {
			writing.Add(1)
			<-fsync
			return nil
		}
		var wg sync.WaitGroup
		for i := range uint64(others) {
			wg.Go(func() { apply(t, s, batchOf(t, noon, dot(2, i+1), record("a", "b", 1, 1))) })
		}
		for range 2 {
			wg.Go(func() {
				b := batchOf(t, noon, dot(1, 1), record("a", "b", 1, 1))
				b.ID, b.Key = flow.ID{1}, flow.ID{2}
				apply(t, s, b)
			})
		}
		synctest.Wait()
		if got := writing.Load(); got != others+1 || s.Stats().Known != 0 {
			t.Errorf("%d batches are being written and %d known, want %d and none", got, s.Stats().Known, others+1)
		}
		close(fsync)
		wg.Wait()
		if got := s.Stats().Known; got != 1 {
			t.Errorf("%d of two copies were known, want 1", got)
		}
	})
}

// Concurrent readers and appliers of a cold slice cause one load, and no batch is lost.
func TestColdSliceIsLoadedOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pairs = 4
		j := newMemJournal()
		apply(t, opened(t, j, 0), batchOf(t, noon, dot(1, 1), record("a", "b", 1, 1)))
		s := opened(t, j, 0)
		j.onLoad = func() error { time.Sleep(time.Second); return nil } // until all wait
		var wg sync.WaitGroup
		for i := range uint64(pairs) {
			wg.Go(func() { read(t, s, noon) })
			wg.Go(func() { apply(t, s, batchOf(t, noon, dot(2, i), record("a", "b", 1, 1))) })
		}
		wg.Wait()
		if j.loads != 1 {
			t.Errorf("the slice was loaded %d times, want once", j.loads)
		}
		if got := totalsByKey(read(t, s, noon))[record("a", "b", 0, 0).Key].BytesTx; got != 1+pairs {
			t.Errorf("total = %d, want %d", got, 1+pairs)
		}
	})
}
