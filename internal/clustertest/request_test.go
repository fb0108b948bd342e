package clustertest

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"flowring/internal/compat"
	"flowring/internal/racetest"
	"flowring/internal/trace"
)

// getTraced reads an hour at a node, and returns the status and the ID of the request.
func (k caller) getTraced(t *testing.T, name string, hour int, parent string) (status int, id string) {
	t.Helper()
	url := fmt.Sprintf("http://%s/flows?hour=%d&require=complete", at(k.c.Addr(name), HTTPPort), hour)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if parent != "" {
		req.Header.Set("traceparent", parent)
	}
	res, err := k.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode, res.Header.Get(trace.Header)
}

// An operator finds a refused request by its ID in the log of the node asked, and in the log of the hour's owner.
func TestARefusedRequestIsFoundAtTwoNodesByItsID(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		log := &lines{word: " " + trace.Attribute + "="}
		c := New(t, Options{Seed: 1, Copies: 2, Quorum: 2, Expect: 4, Nodes: 4, Log: slog.New(trace.Handler(slog.NewTextHandler(log, nil)))})
		defer c.Close()
		c.Start("n1", "n2", "n3", "n4")
		c.mustAgree(t, agreeWithin)
		c.Kill("n3")
		c.Kill("n4")
		time.Sleep(time.Minute)
		k := newCaller(t, c)
		log.take()
		const sent = "4bf92f3577b34da6a3ce929d0e0e4736"
		for hour := range 40 { // of which n2 owns some
			status, id := k.getTraced(t, "n1", hour, "00-"+sent+"-00f067aa0ba902b7-01")
			if status != http.StatusServiceUnavailable || id != sent {
				t.Fatalf("GET of hour %d = %d with the ID %q, want 503 with the trace ID %s", hour, status, id, sent)
			}
		}
		asked, owner := 0, 0
		for _, line := range log.take() {
			switch traced := strings.HasSuffix(line, " request="+sent+"\n"); {
			case traced && strings.Contains(line, `msg="request refused" node=n1 `):
				asked++
			case traced && strings.Contains(line, `level=INFO msg="peer call refused" node=n2 call=flows `):
				owner++
			default:
				t.Errorf("another line about a request: %s", line)
			}
		}
		if asked != 40 || owner == 0 {
			t.Errorf("the ID is in %d lines of the node asked and in %d lines of owners, want 40 and some", asked, owner)
		}
		_, first := k.getTraced(t, "n1", 1, "")
		_, second := k.getTraced(t, "n1", 1, "")
		if first == second || len(first) != len(sent) {
			t.Errorf("requests without a trace have the IDs %q and %q, want two random ones", first, second)
		}
	})
}

// The ID of a POST is in the lines of the node asked, the owner and the replica that cannot store it, once version 3 is
// on. Before, calls on streams carry no ID, and the lines of the other nodes have none.
func TestARefusedPostIsFoundAtThreeNodesByItsID(t *testing.T) {
	for _, newest := range []compat.Version{2, 3} {
		t.Run(fmt.Sprintf("version %d", newest), func(t *testing.T) {
			racetest.Bubble(t, func(t *testing.T) {
				log := &lines{word: " refused\""}
				c := New(t, Options{
					Seed: 1, Copies: 3, Quorum: 3, Expect: 3, Newest: newest,
					Log: slog.New(trace.Handler(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
				})
				defer c.Close()
				c.Start("n1", "n2", "n3")
				c.mustTurnOn(t, time.Minute)
				if err := c.Machine("n3").Disk.Remove(dataDir, false); err != nil {
					t.Fatal(err)
				}
				time.Sleep(noticedWithin)
				k := newCaller(t, c)
				log.take()
				asked, owned, stored := 0, 0, 0
				for hour := range 40 { // of which n2 owns some
					id := k.postTraced(t, "n1", hour)
					for _, line := range log.take() {
						own := strings.HasSuffix(line, " request="+id+"\n")
						switch {
						case own && strings.Contains(line, `msg="request refused" node=n1 `):
							asked++
						case own && newest < 3:
							t.Errorf("hour %d with the ID %s: %s", hour, id, line)
						case own && strings.Contains(line, `level=INFO msg="peer call refused" node=n2 call=admit `):
							owned++
						case own && strings.Contains(line, `level=INFO msg="peer call refused" node=n3 call=apply `):
							stored++
						}
					}
				}
				if found := owned > 0 && stored > 0; asked != 40 || found != (newest == 3) {
					t.Errorf("the IDs are in %d lines of the node asked, %d of owners and %d of replicas, want 40 and some: %t",
						asked, owned, stored, newest == 3)
				}
			})
		})
	}
}

// postTraced posts a flow of an hour at a node that must refuse it, and returns the ID of the request.
func (k caller) postTraced(t *testing.T, name string, hour int) (id string) {
	t.Helper()
	body := fmt.Sprintf(`[{"src_app":"a","dest_app":"b","vpc_id":"v","bytes_tx":1,"bytes_rx":1,"hour":%d}]`, hour)
	res, err := k.Post("http://"+at(k.c.Addr(name), HTTPPort)+"/flows", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("POST of hour %d = %d, want 503", hour, res.StatusCode)
	}
	return res.Header.Get(trace.Header)
}
