package clustertest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"flowring/internal/racetest"
	"flowring/router"
)

// A POST with as many new hours as a node takes is answered within 4 s, although the hours have different owners and
// each message takes 50 ms. A retry with the same key at another node is counted once (P1, P2).
func TestAPostOfAsManyHoursAsAllowedIsAnsweredIn4s(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		c := formed(t, 3, Options{Copies: 3, Quorum: 2})
		names := letters[:3]
		for i, from := range names {
			for _, to := range names[i+1:] {
				c.Net.SetLatency(c.Addr(from), c.Addr(to), 50*time.Millisecond)
				c.Net.SetLatency(c.Addr(to), c.Addr(from), 50*time.Millisecond)
			}
		}
		k := newCaller(t, c)
		var records []string
		for hour := 1; hour <= router.DefaultMaxHours; hour++ {
			records = append(records, fmt.Sprintf(
				`{"src_app":"many","dest_app":"d","vpc_id":"v","bytes_tx":%d,"bytes_rx":0,"hour":%d}`, hour, hour))
		}
		body := "[" + strings.Join(records, ",") + "]"
		for _, name := range names[:2] {
			begun := time.Now()
			status, text := k.postBody(t, name, "many-hours", body)
			took := time.Since(begun)
			t.Logf("POST of %d hours at %s took %v", len(records), name, took)
			if status != http.StatusOK || took >= 4*time.Second {
				t.Fatalf("POST of %d hours at %s = %d %s after %v, want 200 within 4 s", len(records), name, status, text, took)
			}
		}
		for hour := 1; hour <= router.DefaultMaxHours; hour++ {
			if complete, has := k.get(names[hour%3], hour, "many"); complete != "true" || !has {
				t.Fatalf("hour %d at %s: complete %s, has its flow once: %t", hour, names[hour%3], complete, has)
			}
		}
	})
}

// postBody sends a body with an idempotency key, and returns the status and the text of the answer.
func (k caller) postBody(t *testing.T, name, key, body string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(
		t.Context(), "POST", "http://"+at(k.c.Addr(name), HTTPPort)+"/flows", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Idempotency-Key", key)
	res, err := k.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}
