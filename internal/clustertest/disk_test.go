package clustertest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"flowring/internal/racetest"
)

// A node with a nearly full disk refuses writes with this reason, and takes writes again once there is room (P13).
func TestWritesStopBeforeTheDiskIsFull(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := New(t, Options{Expect: 1})
		defer c.Close()
		c.Start("n1")
		client := c.Client("10.0.0.1")
		defer client.CloseIdleConnections()
		post := func() int {
			body := `[{"src_app":"a","dest_app":"b","vpc_id":"v","bytes_tx":1,"bytes_rx":1,"hour":1}]`
			res, err := client.Post("http://"+at(c.Addr("n1"), HTTPPort)+"/flows", "application/json", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			return res.StatusCode
		}
		for _, step := range []struct {
			free uint64 // per cent
			want int
		}{{50, http.StatusOK}, {9, http.StatusServiceUnavailable}, {11, http.StatusOK}} {
			c.Machine("n1").Disk.SetFree(step.free<<30, 100<<30)
			time.Sleep(3 * time.Second)
			if err := c.WaitReady(time.Minute); err != nil {
				t.Fatal(err)
			}
			if err := c.Node("n1").ReadyToWrite(); (err == nil) != (step.want == http.StatusOK) {
				t.Errorf("%d%% free: ReadyToWrite() = %v, want the reason of the status of a POST, %d", step.free, err, step.want)
			}
			if got := post(); got != step.want {
				t.Errorf("%d%% free: POST = %d, want %d", step.free, got, step.want)
			}
		}
	})
}
