package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"flowring/flow"
	"flowring/internal/bench/pages"
	"flowring/internal/bench/server"
	"flowring/internal/bench/traffic"
	"flowring/internal/bench/workload"
	"flowring/internal/load"
)

// TestMain lets the test be the servers that it starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		main()
		return
	}
	m.Run()
}

// own returns a launcher that runs this test program for all servers, also for nodes.
func own(t *testing.T) server.Launcher {
	t.Helper()
	return server.Launcher{Self: os.Args[0], Dir: t.TempDir(), Profile: t.TempDir() + "/cpu"}
}

// gone reports whether no process of a server runs.
func gone(s *server.Server) bool {
	return !slices.ContainsFunc(s.Processes(), func(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
}

func TestEveryServerIsMeasuredAndEnded(t *testing.T) {
	for _, k := range []server.Kind{readOnly, plainGo, memory, single, singleTLS} {
		t.Run(k.Name, func(t *testing.T) {
			l := own(t)
			s, err := l.Start(t.Context(), k)
			if err != nil {
				t.Fatal(err)
			}
			got, err := posts{requests: 400, records: 20, connections: 4, parts: 20}.measure(t.Context(), s)
			if err != nil || got.Cost <= 0 || got.Allocs <= 0 || got.P50 <= 0 || got.P99 < got.P50 {
				t.Errorf("posts = %+v, %v; want every number", got, err)
			}
			if k != readOnly {
				got, err = reads{flows: 2000, requests: 2, changing: true}.measure(t.Context(), s)
				if err != nil || got.Cost <= 0 || got.P50 <= 0 {
					t.Errorf("reads = %+v, %v; want a cost and a time", got, err)
				}
			}
			if k.Nodes > 0 {
				got, err = connects(20).measure(t.Context(), s)
				if err != nil || got.Cost <= 0 {
					t.Errorf("connections = %+v, %v; want a cost", got, err)
				}
			}
			if err := s.End(); err != nil {
				t.Error(err)
			}
			if !gone(s) {
				t.Error("the process still runs")
			}
			if left, err := os.ReadDir(l.Dir); err != nil || len(left) > 0 {
				t.Errorf("left in the folder: %v, %v", left, err)
			}
		})
	}
}

func TestThePageIsMeasuredAtEachKindOfServer(t *testing.T) {
	results, err := pageResults(t.Context(), own(t), pages.Sizes{Posts: 1, Loads: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		for _, row := range r.rows() {
			if row.Low <= 0 {
				t.Errorf("%s: %s: a load costs %v", r.name, row.Server, row.Low)
			}
		}
	}
}

func TestAFailedStartIsAnErrorWithTheLog(t *testing.T) {
	l := own(t)
	_, err := l.Start(t.Context(), server.Kind{Name: "nothing", Yardstick: "nothing"})
	if err == nil || !strings.Contains(err.Error(), "there is no such server") {
		t.Errorf("start = %v, want what the process says", err)
	}
	if left, _ := os.ReadDir(l.Dir); len(left) > 0 {
		t.Errorf("left in the folder: %v", left)
	}
}

func TestACancelledMeasureEndsItsServer(t *testing.T) {
	l := own(t)
	ctx, cancel := context.WithCancel(t.Context())
	var measured *server.Server
	m := measure{run: func(ctx context.Context, s *server.Server) (sample, error) {
		measured = s
		forever := workload.New("x", 2, 1<<20, &cancelling{workload.Drawn(20, 5, 100), cancel})
		_, err := forever.Run(ctx, s)
		return sample{}, err
	}}
	if _, err := m.once(ctx, l, plainGo, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("once = %v, want that it was cancelled", err)
	}
	if !gone(measured) {
		t.Error("the process still runs")
	}
}

func TestTrafficIsMeasuredAtEveryServer(t *testing.T) {
	l := own(t)
	n := traffic.Sizes{Rounds: 2, Records: 2000, Posts: 50, All: true}
	for _, group := range []string{"key and compression", "small posts, two hours"} {
		got, err := traffic.Measure(t.Context(), l, n, group, io.Discard)
		if err != nil || len(got) != 1 || len(got[0].LeftOut) > 0 {
			t.Fatalf("Measure of %q = %d groups, %v; want one with all cells", group, len(got), err)
		}
		for _, c := range got[0].Costs {
			if c.ReadOnly <= 0 || c.PlainGo <= 0 || c.Node <= 0 {
				t.Errorf("%s: %s: %+v, want every cost", group, c.Cell.Name, c)
			}
		}
	}
	if left, err := os.ReadDir(l.Dir); err != nil || len(left) > 0 {
		t.Errorf("left in the folder: %v, %v", left, err)
	}
}

// cancelling are posts that cancel a context at the hundredth post.
type cancelling struct {
	load.Posts
	cancel context.CancelFunc
}

func (c *cancelling) Append(dst []byte, n int64) []byte {
	if n == 100 {
		c.cancel()
	}
	return c.Posts.Append(dst, n)
}

// face is the public face of a server, which may refuse posts.
func face(t *testing.T, answer func(attempt int) int) (s *server.Server, attempts *sync.Map) {
	t.Helper()
	attempts = &sync.Map{} // by key
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := attempts.LoadOrStore(r.Header.Get("Idempotency-Key"), new(atomic.Int64))
		attempt := n.(*atomic.Int64).Add(1)
		w.WriteHeader(answer(int(attempt)))
		io.WriteString(w, `{"records":5,"flows":5,"hours":[20]}`)
	}))
	t.Cleanup(h.Close)
	return server.At(server.Kind{}, h.Listener.Addr().String()), attempts
}

func TestAWorkloadSendsEachPostOnceAndNamesARefusal(t *testing.T) {
	posts := workload.Drawn(20, 5, 100)
	for _, tt := range []struct {
		name     string
		answer   func(attempt int) int
		attempts int64 // of each post
		refused  int64
		err      string
	}{
		{"all are stored", func(int) int { return 200 }, 1, 0, ""},
		{"each is refused once for now", func(attempt int) int { return 503 - 303*(attempt-1) }, 2, 9, ""},
		{"all are refused for good", func(int) int { return 418 }, 0, 0, "418 I'm a teapot"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, attempts := face(t, tt.answer)
			got, err := workload.New("key", 3, 9, posts).Run(t.Context(), s)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("run = %v, want %q", err, tt.err)
			}
			if err != nil {
				return
			}
			if got.Latency.Total() != 9 || got.Refused != tt.refused {
				t.Errorf("run = %d posts with %d refusals, want 9 with %d", got.Latency.Total(), got.Refused, tt.refused)
			}
			for n := range 9 {
				if sent, ok := attempts.Load(fmt.Sprint("key-", n)); !ok || sent.(*atomic.Int64).Load() != tt.attempts {
					t.Errorf("key-%d was sent %v times, want %d", n, sent, tt.attempts)
				}
			}
		})
	}
}

func TestDrawnRecordsAreOfFewFlows(t *testing.T) {
	batches, err := flow.Decode(workload.Drawn(20, workload.BodyRecords, drawnFlows).Append(nil, 0))
	if err != nil || batches.Flows() < 300 || batches.Flows() > 600 {
		t.Errorf("a body of 1,000 records has %d flows, %v; want 300 to 600", batches.Flows(), err)
	}
}

func TestOneNewFlowIsBeyondTheFlowsOfFill(t *testing.T) {
	keys := map[flow.Key]bool{}
	add := func(w workload.Workload) {
		for n := range w.Count {
			p, err := flow.Decode(w.Posts.Append(nil, n))
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range p.Batches {
				for i := range b.Len() {
					keys[b.FlowKey(i)] = true
				}
			}
		}
	}
	add(workload.Fill("fill", 20, 30_000, 1))
	if len(keys) != 30_000 {
		t.Errorf("30 bodies have %d flows, want 30,000", len(keys))
	}
	add(workload.New("again", 1, 30, workload.InOrder(20, 1, workload.BodyRecords, 30_000, workload.Scattered)))
	if len(keys) != 30_000 {
		t.Errorf("posts of the same flows in another order made them %d", len(keys))
	}
	add(workload.NewFlow(20, 30_000))
	if len(keys) != 30_001 {
		t.Errorf("one new flow made them %d", len(keys))
	}
}

// Each form is measured on a server of its own kind, and its posts are stored.
func TestEveryFormOfABodyIsMeasured(t *testing.T) {
	for _, k := range []server.Kind{single, ofGzip, ofProto, ofOTLP} {
		l := own(t)
		s, err := l.Start(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		got, err := forms(20).measure(t.Context(), s)
		if err != nil || got.Cost <= 0 { // Go counts allocations in spans, so a few posts may show none
			t.Errorf("%s: forms = %+v, %v; want a cost", k.Name, got, err)
		}
		if err := s.End(); err != nil {
			t.Error(err)
		}
	}
}
