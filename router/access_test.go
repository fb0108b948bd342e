package router

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"

	"flowring/router/principal"
)

// tokensOf returns a required gate with a token of each principal, and the header of each token.
func tokensOf(t *testing.T, scopes map[string]principal.Scopes) (*principal.Gate, map[string]string) {
	t.Helper()
	var lines strings.Builder
	headers := map[string]string{}
	for name, scopes := range scopes {
		secret, line := principal.New(name, scopes)
		lines.WriteString(line + "\n")
		headers[name] = "Bearer " + secret
	}
	tokens, err := principal.Parse(lines.String())
	if err != nil {
		t.Fatal(err)
	}
	return principal.NewGate(principal.Config{Tokens: func() *principal.Tokens { return tokens }, Required: true}), headers
}

// gatedRouter returns the router of a node that asks for tokens, and the headers of the tokens writer, reader and boss.
func gatedRouter(t *testing.T, cfg Config, f *fake) (*router, map[string]string) {
	t.Helper()
	gate, headers := tokensOf(t, map[string]principal.Scopes{
		"writer": principal.Write, "reader": principal.Read, "boss": principal.Admin, "other": principal.Write,
	})
	metrics := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	return newRouter(cfg, Deps{Cluster: f, Admin: &operators{}, Log: discard, Gate: gate, Metrics: metrics, Registry: prometheus.NewRegistry()}), headers
}

// askWith sends a request with an Authorization header; empty: none.
func askWith(h http.Handler, method, target, authorization, key string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(smallRecord))
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Every route but those of health, of problems and of the index refuses a request without credentials (P17). A new route
// that forgets its scope fails here.
func TestEveryRouteAsksForCredentials(t *testing.T) {
	rt, _ := gatedRouter(t, Config{}, newFake())
	openRoutes := []string{"/", "/healthz", "/livez", "/readyz", "/openapi.json", "/problems/{name}"}
	h, routes := rt.handler(), 0
	err := rt.routes().Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := route.GetPathTemplate()
		if err != nil {
			return err
		}
		methods, err := route.GetMethods()
		if err != nil {
			return err
		}
		for _, method := range methods {
			routes++
			w := askWith(h, method, strings.ReplaceAll(path, "{name}", "record"), "", "")
			if slices.Contains(openRoutes, path) {
				if w.Code != 200 {
					t.Errorf("%s %s without credentials = %d %s, want 200", method, path, w.Code, w.Body)
				}
				continue
			}
			challenges := w.Header().Values("WWW-Authenticate")
			if w.Code != 401 || !strings.Contains(w.Body.String(), "/problems/unauthorized") && method != http.MethodHead || len(challenges) != 2 {
				t.Errorf("%s %s without credentials = %d %q %s, want 401 with the challenges Bearer and Basic", method, path, w.Code, challenges, w.Body)
			}
		}
		return nil
	})
	if err != nil || routes < 10 {
		t.Errorf("%d routes, %v: they are not found", routes, err)
	}
}

func TestEachMethodHasItsScope(t *testing.T) {
	f := newFake()
	rt, headers := gatedRouter(t, Config{}, f)
	h := rt.handler()
	for _, tt := range []struct {
		method, target, who string
		want                int
	}{
		{"POST", "/flows", "writer", 200}, {"POST", "/flows", "reader", 403}, {"POST", "/flows", "boss", 403},
		{"GET", "/flows?hour=20", "reader", 200}, {"GET", "/flows?hour=20", "writer", 403},
		{"GET", "/members", "reader", 200}, {"GET", "/members", "boss", 403},
		{"GET", "/metrics", "reader", 200}, {"GET", "/metrics", "writer", 403},
	} {
		w := askWith(h, tt.method, tt.target, headers[tt.who], "")
		if w.Code != tt.want || w.Code == 403 && !strings.Contains(w.Body.String(), "the principal "+tt.who+" has no scope") {
			t.Errorf("%s %s of %s = %d %s, want %d", tt.method, tt.target, tt.who, w.Code, w.Body, tt.want)
		}
	}
	if f.applied() != 1 {
		t.Errorf("%d requests are stored, want the one of writer", f.applied())
	}
	if rt, _ := gatedRouter(t, Config{MetricsOpen: true}, f); askWith(rt.handler(), "GET", "/metrics", "", "").Code != 200 {
		t.Error("GET /metrics with --metrics-open needs a token")
	}
}

// A key belongs to its principal: the same key of another one is another request, and a key without a principal keeps
// the identity that it has always had (P2).
func TestKeysBelongToTheirPrincipal(t *testing.T) {
	f := newFake()
	rt, headers := gatedRouter(t, Config{}, f)
	h := rt.handler()
	for _, step := range []struct {
		who      string
		replayed bool
	}{{"writer", false}, {"writer", true}, {"other", false}, {"other", true}} {
		w := askWith(h, "POST", "/flows", headers[step.who], "k1")
		if got := w.Header().Get("Idempotency-Replayed") == "true"; w.Code != 200 || got != step.replayed {
			t.Errorf("POST of %s with the key k1 = %d, replayed %t, want 200, %t", step.who, w.Code, got, step.replayed)
		}
	}
	if askWith(New(Config{}, Deps{Cluster: f, Log: discard}), "POST", "/flows", headers["writer"], "k1").Header().Get("Idempotency-Replayed") != "" {
		t.Error("the key of a principal is the key of a sender without one")
	}
}
