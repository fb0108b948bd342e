package server

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"flowring/router"
)

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
				json.MarshalWrite(w, router.MembersView{Node: "n0", Members: []router.Member{m}})
				return
			}
			w.WriteHeader(tt.status)
		}))
		addr := s.Listener.Addr().String()
		err := At(Kind{Nodes: 1, Copies: 1}, addr).Whole(t.Context(), 2)
		if (tt.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Whole() = %v, want %q", tt.name, err, tt.want)
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
	if bytes, err := AvailableBytes(); err != nil || bytes < 1<<20 {
		t.Errorf("AvailableBytes = %d, %v; want a MiB at least", bytes, err)
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
