//go:build !race

package router

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"flowring/flow"
	"flowring/router/admission"
	"flowring/router/principal"
	"flowring/router/quota"
)

// limitedRouter returns the handler of a node with the principals agent, with limits, and other, without.
func limitedRouter(t *testing.T, f *fake, limits string) (http.Handler, *prometheus.Registry) {
	t.Helper()
	hash := func(token string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(token))) }
	tokens, err := principal.Parse("agent write " + hash("one") + " " + limits + "\nother write " + hash("two"))
	if err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	gate := principal.NewGate(principal.Config{Tokens: func() *principal.Tokens { return tokens }, Required: true})
	return described.Handler(New(Config{}, Deps{Cluster: f, Log: discard, Gate: gate, Registry: reg})), reg
}

// overBoth runs a test over HTTP/1.1 and over HTTP/2. ask posts a body with a token, and returns the answer with its body.
func overBoth(t *testing.T, limits string, test func(*testing.T, *fake, *prometheus.Registry, func(token string, body io.Reader) (*http.Response, string))) {
	t.Run("HTTP/1.1", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			h, reg := limitedRouter(t, f, limits)
			test(t, f, reg, func(token string, body io.Reader) (*http.Response, string) {
				w := postTo(h, body, "Authorization", "Bearer "+token)
				return w.Result(), w.Body.String()
			})
		})
	})
	t.Run("HTTP/2", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			h, reg := limitedRouter(t, f, limits)
			p := openTLS(t, h, 1000)
			c := p.client("10.0.0.2")
			test(t, f, reg, func(token string, body io.Reader) (*http.Response, string) {
				return p.do(c, "POST", "/flows", body, "Authorization", "Bearer "+token)
			})
		})
	})
}

// records is a body of n records.
func records(n int) io.Reader {
	record := strings.Trim(smallRecord, "[]")
	return strings.NewReader("[" + strings.Repeat(record+",", n-1) + record + "]")
}

// P3, P12, P16: a principal beyond its rate is refused until Retry-After, before its body is read, and nothing of the
// request is stored or counted as work. Other principals go on.
func TestAPrincipalBeyondItsRateIsRefused(t *testing.T) {
	overBoth(t, "records-per-second=10 records-burst=20", func(t *testing.T, f *fake, reg *prometheus.Registry, ask func(string, io.Reader) (*http.Response, string)) {
		if resp, body := ask("one", records(65)); resp.StatusCode != 200 {
			t.Fatalf("the first POST = %d %s", resp.StatusCode, body)
		}
		begun := time.Now()
		resp, body := ask("one", newStalled("["))
		if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "5" || time.Since(begun) != 0 ||
			!strings.Contains(body, `"retry_after":5`) || !strings.Contains(body, "/problems/overloaded") || !strings.Contains(body, "the principal agent has reached its limit: it may send 10 records a second") {
			t.Errorf("a POST with 45 records too many = %d after %v, Retry-After %s, %s, want 503 at once with 5", resp.StatusCode, time.Since(begun), resp.Header.Get("Retry-After"), body)
		}
		if resp, body := ask("two", records(1000)); resp.StatusCode != 200 {
			t.Errorf("a POST of another principal = %d %s", resp.StatusCode, body)
		}
		if f.applied() != 2 {
			t.Errorf("%d requests are stored, want 2", f.applied())
		}
		wantMetric(t, reg, "flowring_http_records_accepted_total", 1065)
		wantMetric(t, reg, "flowring_principal_refusals_total", 1, "principal", "agent", "limit", quota.LimitRecords)
		wantMetric(t, reg, "flowring_http_overloads_total", 1, "limit", quota.LimitRecords)
		wantMetric(t, reg, "flowring_http_post_wait_seconds", 2)
		time.Sleep(4 * time.Second)
		if resp, _ := ask("one", records(1)); resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "1" {
			t.Errorf("a retry before Retry-After = %d, Retry-After %s, want 503 with 1", resp.StatusCode, resp.Header.Get("Retry-After"))
		}
		time.Sleep(time.Second)
		if resp, body := ask("one", records(65)); resp.StatusCode != 200 {
			t.Errorf("a retry after Retry-After = %d %s", resp.StatusCode, body)
		}
	})
}

// P12: the bytes of one principal's POSTs in progress are bounded, and its only POST passes at any length.
func TestAPrincipalBeyondItsBytesInFlightIsRefused(t *testing.T) {
	overBoth(t, "bytes-in-flight=256KiB", func(t *testing.T, f *fake, reg *prometheus.Registry, ask func(string, io.Reader) (*http.Response, string)) {
		hold := make(chan struct{})
		f.onPost = func(context.Context, *flow.Posting) (bool, error) { <-hold; return false, nil }
		answers := make(chan int)
		post := func(token string, n int) {
			resp, _ := ask(token, records(n))
			answers <- resp.StatusCode
		}
		go post("one", 10_000)
		synctest.Wait()
		resp, body := ask("one", newStalled("["))
		if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "1" || !strings.Contains(body, "its POSTs in progress at this node have 256KiB together") {
			t.Errorf("a second POST in progress = %d, Retry-After %s, %s, want 503 with 1", resp.StatusCode, resp.Header.Get("Retry-After"), body)
		}
		wantMetric(t, reg, "flowring_principal_refusals_total", 1, "principal", "agent", "limit", quota.LimitBytes)
		go post("two", 10_000)
		go post("two", 10_000)
		hold <- struct{}{}
		hold <- struct{}{}
		hold <- struct{}{}
		for range 3 {
			if code := <-answers; code != 200 {
				t.Errorf("a POST = %d, want 200", code)
			}
		}
		go post("one", 1)
		synctest.Wait()
		if resp, body := ask("one", io.MultiReader(records(10_000))); resp.StatusCode != 503 {
			t.Errorf("a second POST, which does not announce its length = %d %s, want 503", resp.StatusCode, body)
		}
		wantMetric(t, reg, "flowring_principal_refusals_total", 2, "principal", "agent", "limit", quota.LimitBytes)
		close(hold)
		<-answers
		if resp, body := ask("one", records(10_000)); resp.StatusCode != 200 {
			t.Errorf("a POST after the end of the other one = %d %s", resp.StatusCode, body)
		}
	})
}

// A body that is refused, in whatever way, takes no records and holds no bytes.
func TestRefusedBodiesTakeNothingFromAPrincipal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := limitedRouter(t, newFake(), "records-per-second=1 records-burst=1 bytes-in-flight="+strconv.Itoa(admission.MinCharge))
		for _, body := range []string{"", "[{", "[", `[{"src_app":1}]`, smallRecord + "x"} {
			for range 10 {
				r := httptest.NewRequest(http.MethodPost, "/flows", strings.NewReader(body))
				r.Header.Set("Authorization", "Bearer one")
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, r); w.Code != 400 {
					t.Errorf("POST %q = %d, want 400", body, w.Code)
				}
			}
		}
		if w := postTo(h, records(1), "Authorization", "Bearer one"); w.Code != 200 {
			t.Errorf("a POST afterwards = %d %s", w.Code, w.Body)
		}
	})
}
