package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test be the servers that it starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		main()
		return
	}
	m.Run()
}

// own returns a launcher whose servers are all this program, nodes too.
func own(t *testing.T) launcher {
	t.Helper()
	return launcher{self: os.Args[0], dir: t.TempDir(), profile: t.TempDir() + "/cpu"}
}

// gone reports whether a process of this number is no more.
func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func TestEveryServerIsMeasuredAndEnded(t *testing.T) {
	for _, k := range []kind{readOnly, plainGo, memory, single} {
		t.Run(k.name, func(t *testing.T) {
			l := own(t)
			s, err := l.start(t.Context(), k)
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
			if err := s.end(); err != nil {
				t.Error(err)
			}
			if pid := s.nodes[0].cmd.Process.Pid; !gone(pid) {
				t.Errorf("process %d still runs", pid)
			}
			if left, err := os.ReadDir(l.dir); err != nil || len(left) > 0 {
				t.Errorf("left in the folder: %v, %v", left, err)
			}
		})
	}
}

func TestAServerThatCannotStartIsAnErrorWithItsLog(t *testing.T) {
	l := own(t)
	_, err := l.start(t.Context(), kind{name: "nothing", yardstick: "nothing"})
	if err == nil || !strings.Contains(err.Error(), "there is no such server") {
		t.Errorf("start = %v, want what the process says", err)
	}
	if left, _ := os.ReadDir(l.dir); len(left) > 0 {
		t.Errorf("left in the folder: %v", left)
	}
}

func TestACancelledMeasureEndsItsServer(t *testing.T) {
	l := own(t)
	ctx, cancel := context.WithCancel(t.Context())
	pid := 0
	m := measure{run: func(ctx context.Context, s *server) (sample, error) {
		pid = s.nodes[0].cmd.Process.Pid
		forever := load{2, 1 << 20, post("x", func(n int) []byte {
			if n == 100 {
				cancel()
			}
			return []byte("[]")
		})}
		_, err := forever.run(ctx, s.addresses())
		return sample{}, err
	}}
	if _, err := m.once(ctx, l, plainGo, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("once = %v, want that it was cancelled", err)
	}
	if !gone(pid) {
		t.Errorf("process %d still runs", pid)
	}
}

func TestCPUTimeAndMemoryAreThoseOfTheProcess(t *testing.T) {
	before, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); time.Since(begun) < 20*time.Millisecond; {
	}
	if after, err := cpuTime(os.Getpid()); err != nil || after <= before {
		t.Errorf("CPU time after work = %v, %v; want more than %v", after, err, before)
	}
	if bytes, err := residentBytes(os.Getpid()); err != nil || bytes < 1<<20 {
		t.Errorf("resident = %d, %v; want a MiB at least", bytes, err)
	}
}

func TestALoadSendsEachRequestOnceAndNamesARefusal(t *testing.T) {
	var mu sync.Mutex
	keys := map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		keys[r.Header.Get("Idempotency-Key")]++
		switch key := r.Header.Get("Idempotency-Key"); {
		case r.ContentLength == 3:
			http.Error(w, "no more", http.StatusTeapot)
		case r.ContentLength == 4, r.ContentLength == 5 && keys[key] == 1:
			http.Error(w, "not now", http.StatusServiceUnavailable)
		}
	}))
	defer s.Close()
	addr := []string{s.Listener.Addr().String()}
	a, err := load{3, 50, post("a", func(int) []byte { return []byte("[]") })}.run(t.Context(), addr)
	if took := a.took; err != nil || len(took) != 50 || took[0] <= 0 || took[0] > took[49] {
		t.Errorf("run = %v, %v; want 50 times, ascending", took, err)
	}
	for n := range 50 {
		if key := fmt.Sprintf("bench-a-%08d", n); keys[key] != 1 {
			t.Errorf("key %s was sent %d times, want once", key, keys[key])
		}
	}
	_, err = load{3, 50, post("b", func(int) []byte { return []byte("[ ]") })}.run(t.Context(), addr)
	if err == nil || !strings.Contains(err.Error(), "418 I'm a teapot: no more") {
		t.Errorf("run = %v, want the refusal", err)
	}
	a, err = load{3, 50, post("c", func(int) []byte { return []byte("[   ]") })}.run(t.Context(), addr)
	if err != nil || a.refused.Load() != 50 || keys["bench-c-00000007"] != 2 {
		t.Errorf("run = %v with %d refused, want each once, and that they were sent again", err, a.refused.Load())
	}
	_, err = load{1, 1, post("d", func(int) []byte { return []byte("[  ]") })}.run(t.Context(), addr)
	if !errors.Is(err, errRefused) || keys["bench-d-00000000"] != maxTries {
		t.Errorf("run = %v after %d tries, want that it is refused after %d", err, keys["bench-d-00000000"], maxTries)
	}
}
