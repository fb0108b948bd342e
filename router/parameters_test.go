package router

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A reader of ?Require=complete would take a short total for a complete one if the parameter were ignored (P5).
func TestAnUnknownParameterIsRefusedWithTheNearestKnownOne(t *testing.T) {
	h, reg := handlerFor(Config{}, newFake())
	for query, nearest := range map[string]string{
		"hour=50&Require=complete":    `"Require" is unknown, the nearest known one is require`,
		"hour=50&REQUIRE=complete":    `"REQUIRE" is unknown, the nearest known one is require`,
		"hour=50&requires=complete":   `"requires" is unknown, the nearest known one is require`,
		"hour=50&partail=true":        `"partail" is unknown, the nearest known one is partial`,
		"Hour=50":                     `"Hour" is unknown, the nearest known one is hour`,
		"hours=50":                    `"hours" is unknown, the nearest known one is hour`,
		"hour=50&%20require=x":        `" require" is unknown, the nearest known one is require`,
		"hour=50&require[]=complete":  `"require[]" is unknown, the nearest known one is require`,
		"hour=50&=1":                  `"" is unknown, the nearest known one is to`,
		"from=50&group=src_app":       `"group" is unknown, the nearest known one is group_by`,
		"from=50&src=web":             `"src" is unknown, the nearest known one is src_app`,
		"from=50&src_ip=web":          `"src_ip" is unknown, the nearest known one is src_app`,
		"from=50&__x=1&limits=1&to=x": `"limits" is unknown, the nearest known one is limit`,
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(method, "/flows?"+query, nil))
			want := "the query parameter " + strings.ReplaceAll(nearest, `"`, `\"`) + "; the parameters of /flows are hour, partial, require, from, to, src_app, "
			if w.Code != 400 || method == http.MethodGet && !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s /flows?%s = %d %s, want 400 with %s", method, query, w.Code, w.Body, want)
			}
		}
	}
	wantMetric(t, reg, "flowring_http_refusals_total", 26, "reason", "query")
}

// P3: a POST with an unknown parameter stores nothing.
func TestAPostWithAParameterStoresNothing(t *testing.T) {
	f := newFake()
	h, _ := handlerFor(Config{}, f)
	for _, query := range []string{"dry_run=true", "idempotency-key=a", "hour=20"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/flows?"+query, strings.NewReader(smallRecord)))
		name, _, _ := strings.Cut(query, "=")
		want := `the query parameter \"` + name + `\" is unknown; /flows has no parameters`
		if w.Code != 400 || !strings.Contains(w.Body.String(), want) || f.applied() > 0 {
			t.Errorf("POST /flows?%s = %d %s with %d stored, want 400 with %s and none", query, w.Code, w.Body, f.applied(), want)
		}
	}
}

func TestParametersOfCachesProbesAndScrapersAreIgnored(t *testing.T) {
	h, _ := handlerFor(Config{}, newFake())
	for _, target := range []string{
		"/flows?hour=1&_=1764547200000", "/flows?_ts=1&hour=1&_", "/members?_=1", "/readyz?_=1",
		"/livez?verbose", "/healthz?verbose&probe=1", "/metrics?collect[]=go&name[]=a", "/?utm_source=x", "/problems/query?lang=en",
	} {
		if w := getFrom(h, target); w.Code != 200 {
			t.Errorf("GET %s = %d %s, want 200", target, w.Code, w.Body)
		}
	}
}

func TestRoutesRefuseUnknownParameters(t *testing.T) {
	h, _ := handlerFor(Config{}, newFake())
	for _, target := range []string{"/flows?hour=1&x=1", "/members?format=csv", "/readyz?fro=write"} {
		if w := getFrom(h, target); w.Code != 400 || !strings.Contains(w.Body.String(), `"/problems/query"`) {
			t.Errorf("GET %s = %d %s, want 400 of the type query", target, w.Code, w.Body)
		}
	}
}

// P16: the comparison of a long name takes no longer than of a short one.
func TestAHugeParameterIsRefusedBriefly(t *testing.T) {
	h, _ := handlerFor(Config{}, newFake())
	w := getFrom(h, "/flows?hour=1&"+strings.Repeat("é", 1<<19))
	if w.Code != 400 || w.Body.Len() > 1000 {
		t.Errorf("GET with a name of 1 MiB = %d with %d bytes, want 400 with few", w.Code, w.Body.Len())
	}
}
