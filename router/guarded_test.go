package router

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"flowring/internal/browser"
)

// guardedHandler returns the handler of a node on loopback.
func guardedHandler(t *testing.T, f *fake, cfg browser.Config) (http.Handler, func(reason string, want float64)) {
	t.Helper()
	cfg.Loopback = true
	g, err := browser.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	h := New(Config{}, Deps{Cluster: f, Log: discard, Registry: reg, Guard: g})
	return h, func(reason string, want float64) {
		t.Helper()
		wantMetric(t, reg, "flowring_http_refusals_total", want, "reason", reason)
	}
}

// from sends a request of a browser or a program.
func from(h http.Handler, method, target, host string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(smallRecord))
	r.Host = host
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPagesOfOtherOriginsDoNotWrite(t *testing.T) {
	f := newFake()
	h, refused := guardedHandler(t, f, browser.Config{TrustedOrigins: []string{"https://flows.example"}})
	for _, headers := range [][]string{
		{"Content-Type", "text/plain", "Origin", "https://evil.example"},
		{"Content-Type", "text/plain", "Origin", "null"},
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site", "Origin", "http://localhost:3000"},
	} {
		w := from(h, http.MethodPost, "/flows", "localhost:8080", headers...)
		if w.Code != 403 || !strings.Contains(w.Body.String(), `"/problems/cross-origin"`) || !strings.Contains(w.Body.String(), "--trusted-origin") {
			t.Errorf("POST with %q = %d %s, want 403 of the type cross-origin that names --trusted-origin", headers, w.Code, w.Body)
		}
	}
	if f.applied() != 0 {
		t.Errorf("%d requests that were refused are stored (P3)", f.applied())
	}
	refused("cross-origin", 4)
	for _, headers := range [][]string{nil, {"Sec-Fetch-Site", "cross-site", "Origin", "https://flows.example"}, {"Sec-Fetch-Site", "same-origin"}} {
		if w := from(h, http.MethodPost, "/flows", "localhost:8080", headers...); w.Code != 200 {
			t.Errorf("POST with %q = %d %s, want 200", headers, w.Code, w.Body)
		}
	}
	refused("cross-origin", 4)
}

// The refusal does not depend on the method or the path, even if they do not exist.
func TestEveryWritingMethodIsGuarded(t *testing.T) {
	h, _ := guardedHandler(t, newFake(), browser.Config{})
	for method, want := range map[string]int{"POST": 403, "PUT": 403, "DELETE": 403, "PATCH": 403, "FLOW": 403, "GET": 404, "HEAD": 404} {
		if w := from(h, method, "/none", "localhost", "Sec-Fetch-Site", "cross-site"); w.Code != want {
			t.Errorf("%s of another site = %d, want %d", method, w.Code, want)
		}
	}
}

func TestAForeignNameReachesNothingOnLoopback(t *testing.T) {
	f := newFake()
	h, refused := guardedHandler(t, f, browser.Config{AllowedHosts: []string{"flows.example"}})
	paths := []string{"/flows?hour=1", "/members", "/livez", "/readyz", "/problems/host", "/", "/none"}
	for _, path := range paths {
		w := from(h, http.MethodGet, path, "evil.example:8080")
		if w.Code != 421 || !strings.Contains(w.Body.String(), `"/problems/host"`) || !strings.Contains(w.Body.String(), "--allowed-host") {
			t.Errorf("GET %s of evil.example = %d %s, want 421 of the type host that names --allowed-host", path, w.Code, w.Body)
		}
	}
	if w := from(h, http.MethodPost, "/flows", "evil.example:8080"); w.Code != 421 || f.applied() != 0 {
		t.Errorf("POST to evil.example = %d with %d stored, want 421 and none", w.Code, f.applied())
	}
	refused("host", float64(len(paths)+1))
	for _, host := range []string{"127.0.0.1:8080", "[::1]:8080", "LOCALHOST.:8080", "flows.example:443", ""} {
		if w := from(h, http.MethodGet, "/flows?hour=1", host); w.Code != 200 {
			t.Errorf("GET with Host %q = %d %s, want 200", host, w.Code, w.Body)
		}
	}
}

func TestPagesReadOnlyWithTheSetting(t *testing.T) {
	for _, origins := range [][]string{nil, {"https://grafana.example"}} {
		h, _ := handlerFor(Config{ReadOrigins: origins}, newFake())
		for _, origin := range []string{"https://grafana.example", "https://evil.example", ""} {
			for _, path := range []string{"/flows?hour=1", "/members", "/none"} {
				allowed := ""
				if slices.Contains(origins, origin) {
					allowed = origin
				}
				w := from(h, http.MethodGet, path, "n1:8080", "Origin", origin)
				if got := w.Header().Get("Access-Control-Allow-Origin"); got != allowed {
					t.Errorf("origins %q: GET %s of %q allows %q, want %q", origins, path, origin, got, allowed)
				}
				if got := slices.Contains(w.Header().Values("Vary"), "Origin"); got != (origins != nil) {
					t.Errorf("origins %q: GET %s of %q varies by Origin: %v", origins, path, origin, got)
				}
			}
			w := from(h, http.MethodPost, "/flows", "n1:8080", "Sec-Fetch-Site", "cross-site", "Origin", origin)
			if w.Code != 403 || w.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("origins %q: POST of %q = %d %v, want 403 and nothing allowed", origins, origin, w.Code, w.Header())
			}
		}
	}
}

func TestABrowserLearnsThePermissionsOfAPage(t *testing.T) {
	h, _ := handlerFor(Config{ReadOrigins: []string{"https://grafana.example"}}, newFake())
	for _, tt := range []struct {
		origin, method string
		want           int
	}{
		{"https://grafana.example", "GET", 204}, {"https://grafana.example", "HEAD", 204},
		{"https://grafana.example", "POST", 405}, {"https://grafana.example", "", 405}, {"https://evil.example", "GET", 405},
	} {
		w := from(h, http.MethodOptions, "/flows?hour=1", "n1:8080", "Origin", tt.origin, "Access-Control-Request-Method", tt.method,
			"Access-Control-Request-Headers", "if-none-match")
		allowed := w.Header().Get("Access-Control-Allow-Origin") == tt.origin && w.Header().Get("Access-Control-Allow-Methods") == "GET, HEAD" &&
			strings.HasPrefix(w.Header().Get("Access-Control-Allow-Headers"), "Authorization, ") // a page may send a token
		if w.Code != tt.want || allowed != (tt.want == 204) {
			t.Errorf("OPTIONS of %s for %q = %d %v, want %d", tt.origin, tt.method, w.Code, w.Header(), tt.want)
		}
	}
	exposed := from(h, http.MethodGet, "/flows?hour=1", "n1:8080", "Origin", "https://grafana.example").Header().Get("Access-Control-Expose-Headers")
	if !strings.Contains(exposed, "Flowring-Complete") {
		t.Errorf("a page may read %q, want Flowring-Complete among them (P5)", exposed)
	}
}
