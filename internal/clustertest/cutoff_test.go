package clustertest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"flowring/internal/memnet"
	"flowring/internal/racetest"
)

// A node that is cut off from the other nodes for some seconds refuses a write at once, names the missing stores, and
// keeps nothing of the write.
func TestANodeThatIsCutOffRefusesWritesAtOnce(t *testing.T) {
	for name, only := range map[string][]memnet.Traffic{"entirely": nil, "at the peer port": {{Port: PeerPort}}} {
		t.Run(name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				c := formed(t, 3, Options{Seed: 7, Copies: 3, Quorum: 2})
				k := newCaller(t, c)
				heal := c.Partition([]string{"a"}, only...)
				time.Sleep(5 * time.Second)
				for hour := range 5 {
					k.mustRefuse(t, "a", hour, 300*time.Millisecond, `"stores":["b","c"]`)
				}
				if held := c.Node("a").Members().Members[0].Hours; held != 0 {
					t.Errorf("a holds %d hours of refused writes, want none", held)
				}
				if status := k.post("b", 0, "others"); status != http.StatusOK {
					t.Errorf("post at the others = %d, want 200", status)
				}
				heal()
				for begun := time.Now(); k.post("a", 0, "after") != http.StatusOK; time.Sleep(100 * time.Millisecond) {
					if time.Since(begun) > agreeWithin {
						t.Fatalf("no write is taken %v after the cut", agreeWithin)
					}
				}
				k.mustHave(t, agreeWithin, "after", 0)
			})
		})
	}
}

// mustRefuse fails the test unless a write is refused in time with the text in its problem.
func (k caller) mustRefuse(t *testing.T, node string, hour int, within time.Duration, text string) {
	t.Helper()
	body := fmt.Sprintf(`[{"src_app":"s","dest_app":"d","vpc_id":"v","bytes_tx":1,"bytes_rx":0,"hour":%d}]`, hour)
	begun := time.Now()
	res, err := k.Post("http://"+at(k.c.Addr(node), HTTPPort)+"/flows", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	problem, _ := io.ReadAll(res.Body)
	took := time.Since(begun)
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || took > within ||
		!strings.Contains(string(problem), text) {
		t.Errorf("post at %s = %s, Retry-After %q, after %v: %s, want 503 within %v, with %s",
			node, res.Status, res.Header.Get("Retry-After"), took, problem, within, text)
	}
}
