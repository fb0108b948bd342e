package clustertest

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

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
