package clustertest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/racetest"
	"flowring/internal/safeguard"
	"flowring/node"
)

// ingest posts a body of aws-vpc to a node and returns the status; 0: there was no answer.
func (k caller) ingest(name, body string) (status int, text string) {
	res, err := k.Post("http://"+at(k.c.Addr(name), HTTPPort)+"/ingest/aws-vpc", "text/plain", strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(answer)
}

// sum returns the bytes sent in an hour, and the sources, of a complete read at a node.
func (k caller) sum(t *testing.T, name string, hour int64) (bytes int64, sources string) {
	t.Helper()
	res, err := k.Get(fmt.Sprintf("http://%s/flows?hour=%d&require=complete", at(k.c.Addr(name), HTTPPort), hour))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var flows []struct {
		Src string `json:"src_app"`
		Tx  int64  `json:"bytes_tx"`
	}
	if err := json.NewDecoder(res.Body).Decode(&flows); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("hour %d at %s = %d, %v", hour, name, res.StatusCode, err)
	}
	for _, f := range flows {
		bytes, sources = bytes+f.Tx, sources+f.Src+" "
	}
	return bytes, sources
}

// TestTheNamesFileChangesBetweenALostAnswerAndItsRetryAtAnotherNode: a body of two hours is stored, its answer is lost,
// and all nodes get other names before each of them gets the body again. It counts once (P2), and the answer is no 422,
// after which senders drop it. Without the safeguard the retry is refused.
func TestTheNamesFileChangesBetweenALostAnswerAndItsRetryAtAnotherNode(t *testing.T) {
	for _, disabled := range []safeguard.Set{0, safeguard.ByKey} {
		racetest.Bubble(t, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "names.csv")
			names := func(app string) {
				if err := os.WriteFile(file, []byte("10.9.0.1,"+app+",prod\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			names("before")
			c := formed(t, 3, Options{Seed: 3, Copies: 3, Disabled: disabled, Configure: func(cfg *node.Config) { cfg.NamesFile = file }})
			k := newCaller(t, c)
			hour := time.Now().Unix()/3600 - 1
			body := fmt.Sprintf("2 1 eni-1 10.9.0.1 198.51.100.9 1 2 6 9 1000 %d %d ACCEPT OK", hour*3600-900, hour*3600+900)
			k.get("a", 1, "s") // opens a connection
			heal := c.Net.Cut(c.Addr("a"), "10.0.0.1")
			if status, text := k.ingest("a", body); status != 0 {
				t.Fatalf("first attempt = %d %s, want no answer", status, text)
			}
			heal()
			names("after")
			time.Sleep(3 * time.Second)
			want := http.StatusOK
			if disabled != 0 {
				want = http.StatusServiceUnavailable
			}
			for _, name := range c.Running() {
				if status, text := k.ingest(name, body); status != want {
					t.Errorf("retry at %s without %v = %d %s, want %d", name, disabled, status, text, want)
				}
			}
			for _, name := range c.Running() {
				for h := hour - 1; h <= hour; h++ {
					if bytes, sources := k.sum(t, name, h); bytes != 500 || sources != "before " {
						t.Errorf("hour %d at %s = %d bytes of %s, want 500 of before", h, name, bytes, sources)
					}
				}
			}
		})
	}
}

// TestTheFloorRisesBetweenALostAnswerAndItsRetryAtAnotherNode: a body of two hours is stored and its answer is lost. The
// first hour closes, and then both do, before each node gets the body again. It counts once and as a whole (P2). A new
// body of the same hours shows that they are closed.
func TestTheFloorRisesBetweenALostAnswerAndItsRetryAtAnotherNode(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := formed(t, 3, Options{Seed: 4, Copies: 3, Pace: pace, Configure: keeping(48 * time.Hour)})
		k := newCaller(t, c)
		k.fillBack(t, 1) // opens a connection
		second := c.now() - 40
		body := func(bytes int) string {
			return fmt.Sprintf("2 1 eni-1 10.9.0.1 198.51.100.9 1 2 6 9 %d %d %d ACCEPT OK", bytes, second*3600-900, second*3600+900)
		}
		heal := c.Net.Cut(c.Addr("a"), "10.0.0.1")
		if status, text := k.ingest("a", body(1000)); status != 0 {
			t.Fatalf("first attempt = %d %s, want no answer", status, text)
		}
		heal()
		for closed := second; closed <= second+1; closed++ {
			for range 1000 {
				if min(c.floors("a").Closed, c.floors("b").Closed, c.floors("c").Closed) >= flow.Hour(closed) {
					break
				}
				time.Sleep(hourOfPace / 10)
			}
			for _, name := range c.Running() {
				if f := c.floors(name); f.Closed < flow.Hour(closed) || f.Expired >= flow.Hour(second-1) {
					t.Fatalf("%s has the floors %+v, want hour %d closed and hour %d kept", name, f, closed-1, second-1)
				}
				if status, text := k.ingest(name, body(1000)); status != http.StatusOK || !strings.Contains(text, `"set_aside":{}`) {
					t.Errorf("retry at %s with hour %d closed = %d %s, want a success of all of it", name, closed-1, status, text)
				}
			}
		}
		if status, text := k.ingest("b", body(1002)); status != http.StatusOK || !strings.Contains(text, `"hour-closed":2`) {
			t.Errorf("a new body = %d %s, want closed hours", status, text)
		}
		for _, name := range c.Running() {
			for hour := second - 1; hour <= second; hour++ {
				if bytes, _ := k.sum(t, name, hour); bytes != 500 {
					t.Errorf("hour %d at %s = %d bytes, want 500", hour, name, bytes)
				}
			}
		}
	})
}
