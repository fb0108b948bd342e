package router

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"flowring/internal/contract"
)

// recordsOf returns the body of a request with one record for each of n hours from first on.
func recordsOf(first int64, n int) string {
	var body bytes.Buffer
	for i := range int64(n) {
		fmt.Fprintf(&body, `,{"src_app":"a","dest_app":"b","vpc_id":"v","bytes_tx":1,"bytes_rx":0,"hour":%d}`, first+i)
	}
	return "[" + strings.TrimPrefix(body.String(), ",") + "]"
}

// Each hour of a request is work for an owner. The limit on hours keeps the answer within its time. A refused request
// stores nothing (P3).
func TestARequestOfTooManyHoursIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		cfg    Config
		hours  int
		status int
	}{
		{"as many hours as the default", Config{}, DefaultMaxHours, 200},
		{"one hour more than the default", Config{}, DefaultMaxHours + 1, 400},
		{"as many hours as the setting", Config{MaxHours: 2}, 2, 200},
		{"one hour more than the setting", Config{MaxHours: 2}, 3, 400},
		{"a limit above the default", Config{MaxHours: 5000}, 5000, 200},
	} {
		f := newFake()
		h, reg := handlerFor(tt.cfg, f)
		w := postTo(h, strings.NewReader(recordsOf(5, tt.hours)), "Idempotency-Key", "k")
		if w.Code != tt.status || w.Code == 400 && !strings.Contains(w.Body.String(), `"/problems/hours-in-request"`) {
			t.Errorf("%s: POST = %d %s, want %d", tt.name, w.Code, w.Body, tt.status)
		}
		refused := 0
		if tt.status == http.StatusBadRequest {
			refused = 1
		}
		if f.applied() != 1-refused {
			t.Errorf("%s: %d postings stored, want %d", tt.name, f.applied(), 1-refused)
		}
		wantMetric(t, reg, "flowring_http_refusals_total", float64(refused), "reason", "hours-in-request")
	}
}

func TestAnHourInAnotherUnitNeedsTheSetting(t *testing.T) {
	body := strings.Replace(smallRecord, `"hour":3`, `"hour":1796031600`, 1)
	f := newFake()
	h, reg := handlerFor(Config{}, f)
	w := postTo(h, strings.NewReader(body))
	const want = `"record 0: field \"hour\": 1796031600 looks like seconds since 1970; its hour is 498897","record":0,"field":"hour"`
	if w.Code != 400 || !strings.Contains(w.Body.String(), want) || f.applied() > 0 {
		t.Errorf("POST = %d %s, %d stored, want 400 with %s and nothing stored", w.Code, w.Body, f.applied(), want)
	}
	wantMetric(t, reg, "flowring_http_refusals_total", 1, "reason", "record")
	h, _ = handlerFor(Config{AnyHour: true}, f)
	for range 2 { // the second time with a pooled parser
		if w := postTo(h, strings.NewReader(body)); w.Code != 200 {
			t.Errorf("POST with AnyHour = %d %s, want 200", w.Code, w.Body)
		}
	}
}

// A refusal for a limit names the hour, and not the nodes on its path.
func TestARefusalForALimitNamesTheHour(t *testing.T) {
	for _, err := range []contract.Refusal{contract.TooManyFlows, contract.TooManyNames, contract.TooManyHours, contract.HoursReserved, contract.FutureHour} {
		_, p := problemOf(fmt.Errorf("admit at n2: %w", &contract.HourError{Hour: -5, Err: err}))
		if want := "hour -5: " + err.Error(); p.Status != err.Status() || p.Detail != want {
			t.Errorf("problemOf(%v) = %d %q, want %d %q", err, p.Status, p.Detail, err.Status(), want)
		}
	}
}
