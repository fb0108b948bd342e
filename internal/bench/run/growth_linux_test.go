package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"flowring/router"
)

// TestAPointIsMeasured takes the steps that need neither copies nor the program `flowring`.
func TestAPointIsMeasured(t *testing.T) {
	g := growing{point: point{flows: 2000, hours: 2, nodes: 1, copies: 1, slices: 1}, launcher: own(t), figures: figures{}, progress: func(string) {}}
	if err := g.in(t.Context(), nil, g.post, g.read, g.restart, g.repair); err != nil {
		t.Fatal(err)
	}
	want := []figure{postAgain, getCPU, getTime, startCPU, startTime, firstCPU, firstTime, diskBytes}
	if got := slices.Sorted(maps.Keys(g.figures)); !slices.Equal(got, want) {
		t.Errorf("figures %v, want %v", got, want)
	}
	for f, value := range g.figures {
		if value <= 0 {
			t.Errorf("%s = %v %s, want more than nothing", f.name(), value, f.unit())
		}
	}
}

func TestAClusterIsWholeWhenNothingIsMissing(t *testing.T) {
	fine := router.Member{Name: "n0", State: "alive", Established: true, Hours: 2}
	for _, tt := range []struct {
		name   string
		spoil  func(m *router.Member)
		status int
		want   string
	}{
		{"all is well", func(*router.Member) {}, 200, ""},
		{"a node is absent", func(m *router.Member) { m.State = "absent" }, 200, "not there"},
		{"a node recovers", func(m *router.Member) { m.Recovering = true }, 200, "not there"},
		{"copies are compared", func(m *router.Member) { m.Repairing = 1 }, 200, "being repaired"},
		{"batches are missing", func(m *router.Member) { m.Behind = 1 }, 200, "being repaired"},
		{"an hour is missing", func(m *router.Member) { m.Hours = 1 }, 200, "1 copies of 2 hours"},
		{"a read is not complete", func(*router.Member) {}, 503, "503"},
	} {
		m := fine
		tt.spoil(&m)
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/members" {
				json.NewEncoder(w).Encode(router.MembersView{Node: "n0", Members: []router.Member{m}})
				return
			}
			w.WriteHeader(tt.status)
		}))
		addr := s.Listener.Addr().String()
		g := growing{point: point{flows: 1, hours: 2, nodes: 1, copies: 1}, server: &server{nodes: []*process{{served: addresses{HTTP: addr}}}}}
		err := g.whole(t.Context())
		if (tt.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: whole() = %v, want %q", tt.name, err, tt.want)
		}
		s.Close()
	}
}

func TestTheBytesOfTablesAreCounted(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int{"0/1.sst": 10, "1/2.sst": 5, "1/3.log": 100} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, size), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := tableBytes(dir); err != nil || got != 15 {
		t.Errorf("tableBytes = %d, %v; want 15", got, err)
	}
}

func TestThereIsMemoryAvailable(t *testing.T) {
	if bytes, err := availableBytes(); err != nil || bytes < 1<<20 {
		t.Errorf("availableBytes = %d, %v; want a MiB at least", bytes, err)
	}
}
