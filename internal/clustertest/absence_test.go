package clustertest

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"flowring/internal/memnet"
	"flowring/internal/racetest"
)

// /members shows an absent node at the latest when writes are refused because of it. The absence and the return are
// logged once each. A killed node and a silent node make no difference.
func TestAbsenceIsVisible(t *testing.T) {
	for _, how := range []string{"killed", "silent"} {
		t.Run(how, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				var log lockedBuffer
				c := formed(t, 2, Options{Seed: 31, Copies: 2, Quorum: 2, Log: slog.New(slog.NewTextHandler(&log, nil))})
				k := newCaller(t, c)
				time.Sleep(time.Minute)
				heal := func() {}
				if how == "killed" {
					c.Kill("b")
				} else {
					heal = c.Partition([]string{"b"}, memnet.Traffic{Port: PeerPort})
				}
				for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
					status, text := k.problem("a")
					m := memberOf(c.Node("a"), "b")
					if status == http.StatusServiceUnavailable && m.Name != "" {
						t.Fatalf("/members shows %+v while writes are refused for want of it: %s", m, text)
					}
					if status == http.StatusServiceUnavailable && strings.Contains(text, "are heard") {
						break
					}
					if time.Since(begun) > 20*time.Second {
						t.Fatal("writes are not refused")
					}
				}
				if status, text := k.readyz("a", "?for=write"); status != http.StatusServiceUnavailable || !strings.Contains(text, "no answer from b") {
					t.Errorf("/readyz?for=write = %d %q, want 503, and b named", status, text)
				}
				time.Sleep(time.Minute)
				heal()
				c.Start("b")
				c.mustAgree(t, agreeWithin)
				time.Sleep(5 * time.Second)
				for message, want := range map[string]int{"node away": 1, "node is back": 1} {
					if got := strings.Count(log.String(), fmt.Sprintf("msg=%q node=a node=b", message)); got != want {
						t.Errorf("a logs %q %d times, want %d", message, got, want)
					}
				}
				_, long, _ := strings.Cut(log.String(), "node=a node=b away=")
				long, _, _ = strings.Cut(long, "\n")
				if d, err := time.ParseDuration(long); err != nil || d < 50*time.Second || d > 80*time.Second {
					t.Errorf("a logs that b was away for %q, want about a minute", long)
				}
			})
		})
	}
}
