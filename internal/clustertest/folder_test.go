package clustertest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"flowring/internal/racetest"
	"flowring/store/journal"
)

// noticedWithin is the time in docs/promises.md for a lost data folder.
const noticedWithin = 5 * time.Second

// A node whose data folder is removed or replaced acknowledges nothing after 5 s and is not ready (P1, P13). The other
// nodes go on if they are enough. After a restart the node is a new store and is filled.
func TestALostDataFolderIsNoticed(t *testing.T) {
	for _, tt := range []struct {
		name  string
		nodes int
		lost  []string
		anew  bool
		want  int // status of a POST at every node
	}{
		{"of the only node", 1, []string{"n1"}, false, 503},
		{"of the only node, and an empty one in its place", 1, []string{"n1"}, true, 503},
		{"of one node of three", 3, []string{"n2"}, false, 200},
		{"of one node of three, and an empty one in its place", 3, []string{"n3"}, true, 200},
		{"of two nodes of three", 3, []string{"n1", "n3"}, false, 503},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			racetest.Bubble(t, func(t *testing.T) {
				c := New(t, Options{Copies: tt.nodes, Expect: tt.nodes})
				defer c.Close()
				for i := range tt.nodes {
					c.Start(fmt.Sprintf("n%d", i+1))
				}
				c.mustTurnOn(t, time.Minute)
				time.Sleep(5 * time.Second) // a node without a folder takes no further change of the roster
				client := c.Client("10.0.0.1")
				defer client.CloseIdleConnections()
				everywhere := func(key string, want int) {
					for _, name := range c.Running() {
						if status, text := postKeyed(t, c, client, name, key); status != want {
							t.Errorf("POST %s at %s = %d %s, want %d", key, name, status, text, want)
						}
					}
				}
				everywhere("before", 200)
				for _, name := range tt.lost {
					if err := c.Machine(name).Disk.Remove(dataDir, tt.anew); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(noticedWithin)
				everywhere("after", tt.want)
				everywhere("before", tt.want) // a replay is an acknowledgement, too
				for _, name := range tt.lost {
					if err := c.Node(name).Ready(); !errors.Is(err, journal.ErrMissing) {
						t.Errorf("%s is ready: %v, want %v", name, err, journal.ErrMissing)
					}
				}
				if len(tt.lost) > 1 || tt.nodes == 1 {
					return
				}
				for _, name := range tt.lost {
					c.Kill(name)
					c.Start(name)
				}
				if err := c.WaitReady(time.Minute); err != nil {
					t.Error(err)
				}
				everywhere("after", 200)
				time.Sleep(time.Minute) // for repair
				for _, m := range c.Node("n1").Members().Members {
					if m.Hours != 1 || m.Behind > 0 || m.Recovering {
						t.Errorf("after the restart n1 says of %s: %d hours, %d behind, recovering %t", m.Name, m.Hours, m.Behind, m.Recovering)
					}
				}
			})
		})
	}
}

// postKeyed sends a record under a key to a node.
func postKeyed(t *testing.T, c *Cluster, client *http.Client, name, key string) (status int, text string) {
	t.Helper()
	body := fmt.Sprintf(`[{"src_app":%q,"dest_app":"b","vpc_id":"v","bytes_tx":1,"bytes_rx":1,"hour":1}]`, key)
	req, err := http.NewRequest("POST", "http://"+at(c.Addr(name), HTTPPort)+"/flows", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Idempotency-Key", key)
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(answer)
}
