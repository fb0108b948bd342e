//go:build linux

package proctest

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"flowring/flow"
	"flowring/internal/ledger"
	"flowring/router/client"
)

// week is a simulated week of a cluster whose clocks run faster.
type week struct {
	c     *cluster
	book  book
	begun time.Time
	wg    sync.WaitGroup

	mu    sync.Mutex
	posts int
	reads int // complete ones
	gone  int // answers 410
}

const (
	weekPace  = 10_000 // an hour in 0.36 s
	weekKeeps = 48     // hours
	weekPosts = 2      // of an hour
	weekFlows = 400    // of a post
)

// now returns the hour of the clocks of the nodes.
func (w *week) now() flow.Hour {
	return flow.Hour(w.begun.Add(time.Since(w.begun)*weekPace).Unix() / 3600)
}

// passed returns the simulated hours since the start.
func (w *week) passed() int { return int(w.now() - w.book.first) }

// TestAWeekOfRetention runs three processes with a retention of 48 hours for seven simulated days of their clocks, under
// load. A node is killed in the middle. The first hour is deleted after three days, and disks need no more
// space from then on. No read is low, and no kept hour is refused. After a restart of all nodes no deleted hour returns (P1, P4, P5, P6).
func TestAWeekOfRetention(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, 3)
	w := &week{c: c, begun: time.Now().Truncate(time.Millisecond)}
	fast := filepath.Join(t.TempDir(), "flowring")
	if err := build(fast, "-ldflags", fmt.Sprintf("-X flowring/node/clock.fast=%d@%d", weekPace, w.begun.UnixMilli())); err != nil {
		t.Fatal(err)
	}
	for _, p := range c.nodes {
		p.binary, p.args = fast, append(p.args, "--hours", "unix", "--retention", "48h")
	}
	c.start()
	w.book = book{ledger.New(), w.now()}
	ctx, stop := context.WithCancel(t.Context())
	w.wg.Go(func() { w.write(ctx) })
	for range 2 {
		w.wg.Go(func() { w.read(ctx) })
	}
	t.Cleanup(w.wg.Wait)
	w.await(4 * 24)
	again := c.nodes[1]
	again.kill()
	c.restart(again)
	early := w.bytesOfAnHour(again, 5*24)
	w.await(6 * 24)
	late := w.bytesOfAnHour(again, 7*24)
	stop()
	w.wg.Wait()
	t.Logf("%d posts, %d complete reads, %d answers that an hour has expired; %.0f bytes on a disk for each hour on day 5, %.0f on day 7; %d hours passed",
		w.posts, w.reads, w.gone, early, late, w.passed())
	if late > early*5/4 {
		t.Errorf("a disk keeps the space of deleted hours: %.0f bytes for each hour that it holds on day 5, %.0f on day 7", early, late)
	}
	w.expire()
	for _, p := range c.nodes {
		p.terminate()
	}
	c.start()
	w.expire()
}

// await waits until some hours have passed since the start.
func (w *week) await(hours int) {
	for w.passed() < hours {
		pause(200 * time.Millisecond)
	}
}

// bytesOfAnHour returns the size of the data folder of a node for each hour that the node holds: the least value until some
// hours have passed, because a busy machine may delete late. The node was restarted after most posts: a node keeps the file
// of a full log for the next one.
func (w *week) bytesOfAnHour(p *process, hours int) (least float64) {
	for least = math.Inf(1); w.passed() < hours; pause(200 * time.Millisecond) {
		size := sizeOf(p.data)
		least = min(least, float64(size)/w.c.metric(p, "store_slices"))
	}
	return least
}

func sizeOf(dir string) (size int64) {
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if info, err := os.Lstat(path); err == nil && !info.IsDir() {
			size += info.Size()
		}
		return nil // files come and go
	})
	return size
}

// write posts the same number of flows to each hour, until ctx ends.
func (w *week) write(ctx context.Context) {
	flowring, err := client.New(client.Config{
		Targets: urls(w.c.nodes), HTTP: w.c.http, AttemptTimeout: askWithin, MinBackoff: 50 * time.Millisecond, MaxBackoff: time.Second,
	})
	if err != nil {
		w.c.t.Error(err)
		return
	}
	for hour := w.book.first; ; hour++ {
		for hour > w.now() {
			select {
			case <-ctx.Done():
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
		for i := range weekPosts {
			w.post(flowring, hour, i)
		}
	}
}

func (w *week) post(flowring *client.Client, hour flow.Hour, post int) {
	var batches []*ledger.Batch
	var records []flow.Record
	for range weekFlows {
		b := w.book.Enter(hour, fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()), 1+rand.Int64N(1<<30))
		batches, records = append(batches, b), append(records, b.Records()...)
	}
	body, _ := json.Marshal(records)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := flowring.Post(ctx, body, client.PostOptions{Key: fmt.Sprintf("%d-%d", hour, post)}); err != nil {
		w.c.t.Errorf("hour %d, now it is %d: %v", hour, w.now(), err)
		return
	}
	w.book.Acknowledge(batches...)
	w.mu.Lock()
	w.posts++
	w.mu.Unlock()
}

// read reads random hours since the start at random nodes, until ctx ends.
func (w *week) read(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(readPause):
		}
		hour := w.book.first + rand.N(w.now()-w.book.first+1)
		p, owed := w.c.nodes[rand.IntN(len(w.c.nodes))], w.book.Owed(hour)
		a, err := w.c.get(p, fmt.Sprintf("/flows?hour=%d", hour))
		if err != nil {
			continue
		}
		w.mu.Lock()
		switch {
		case a.status == http.StatusGone:
			w.gone++
		case a.status == http.StatusOK && a.complete == "true":
			w.reads++
		}
		w.mu.Unlock()
		if now := w.now(); a.status == http.StatusGone && hour >= now-weekKeeps-24 {
			w.c.t.Errorf("hour %d has expired at %s, and it is only %d", hour, p, now)
		}
		if a.status == http.StatusOK {
			if err := w.book.judgeAny(hour, owed, a.body, a.complete == "true"); err != nil {
				w.c.t.Errorf("read at %s, complete: %s: %v", p, a.complete, err)
				return
			}
		}
	}
}

// expire waits until all nodes have deleted the hours up to the third day, and reads each of them.
func (w *week) expire() {
	w.c.t.Helper()
	last := w.book.first + 72
	for _, p := range w.c.nodes {
		for hour := w.book.first; hour <= last; hour++ {
			w.c.eventually(func() error {
				a, err := w.c.get(p, fmt.Sprintf("/flows?hour=%d", hour))
				if err == nil && a.status != http.StatusGone {
					err = fmt.Errorf("hour %d at %s, at %d: %d, want 410", hour, p, w.now(), a.status)
				}
				return err
			})
		}
	}
}
