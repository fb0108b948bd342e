package clustertest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/memnet"
	"flowring/internal/racetest"
	"flowring/internal/safeguard"
	"flowring/ring"
)

// A copy outlives the reads that began before its replicas held it (P4). Store d takes hours over from a by a slow
// link, and a drops each copy after d confirms it. Node b reads each hour while d fetches it: the question of b reaches
// d before d has the hour, and a after a has dropped it. In the negative control a store drops a copy at the first
// confirmation, and some of the complete reads miss their hour.
func TestACopyOutlivesTheReadsThatBeganBefore(t *testing.T) {
	for _, tt := range []struct {
		name     string
		disabled safeguard.Set
		misses   bool
	}{
		{"with the safeguard", 0, false},
		{"negative control: a copy is dropped at the first confirmation", safeguard.DropLate, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				hours := hoursPlaced(60, "d", "a", "b", "c")
				c := formed(t, 4, Options{Seed: 7, Copies: 1, Quorum: 1, Disabled: tt.disabled})
				k := newCaller(t, c)
				c.Kill("d")
				time.Sleep(15 * time.Second) // a stands in for d by then
				for _, hour := range hours {
					k.postLarge(t, hour)
				}
				d := c.Machine("d").address(2)
				c.Net.SetRate(c.Addr("a"), d, 24000) // 100 ms for an hour, 12 ms for a confirmation
				c.Net.SetLatency(c.Addr("b"), c.Addr("a"), 450*time.Millisecond)
				for _, to := range []string{c.Addr("a"), d} { // c can forward to b alone
					c.Net.Cut(c.Addr("c"), to, memnet.Traffic{Port: PeerPort})
					c.Net.Reset(c.Addr("c"), to, PeerPort)
				}
				time.Sleep(5 * time.Second)
				c.Start("d")
				complete, misses := k.readAhead(hours)
				t.Logf("%d of %d complete answers miss their hour", misses, complete)
				if misses > 0 != tt.misses || complete == 0 {
					t.Errorf("want complete answers, and that some of them miss their hour: %t", tt.misses)
				}
			})
		})
	}
}

// hoursPlaced returns the first n hours whose list of stores is the given one.
func hoursPlaced(n int, list ...string) (hours []int) {
	placed := ring.New(list, 1)
	for hour := 1; len(hours) < n; hour++ {
		if slices.Equal(placed.Candidates(flow.Slice{Hour: flow.Hour(hour)}), list) {
			hours = append(hours, hour)
		}
	}
	return hours
}

// postLarge writes the flow of s and about 2 kB of others to an hour.
func (k caller) postLarge(t *testing.T, hour int) {
	t.Helper()
	const record = `{"src_app":%q,"dest_app":"d","vpc_id":"v","bytes_tx":%d,"bytes_rx":0,"hour":%d}`
	records := []string{fmt.Sprintf(record, "s", hour, hour)}
	for i := range 10 {
		records = append(records, fmt.Sprintf(record, fmt.Sprint(i, strings.Repeat("x", 200)), 1, hour))
	}
	body := "[" + strings.Join(records, ",") + "]"
	res, err := k.Post("http://"+at(k.c.Addr("a"), HTTPPort)+"/flows", "application/json", strings.NewReader(body))
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("post = %v, %v, want 200", res, err)
	}
	res.Body.Close()
}

// readAhead reads each hour once at c, when d holds all but one of the hours before it. It returns how many answers are
// complete, and how many of those miss the flow of s.
func (k caller) readAhead(hours []int) (complete, misses int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for next, deadline := 0, time.Now().Add(time.Minute); next < len(hours) && time.Now().Before(deadline); {
		held, _ := k.c.hoursOf("d")
		for ; next < min(len(hours), held+2); next++ {
			hour := hours[next]
			wg.Go(func() {
				level, has := k.get("c", hour, "s")
				mu.Lock()
				defer mu.Unlock()
				if level == "true" {
					complete++
				}
				if level == "true" && !has {
					misses++
				}
			})
		}
		time.Sleep(10 * time.Millisecond)
	}
	wg.Wait()
	return complete, misses
}
