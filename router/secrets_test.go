package router

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"flowring/router/principal"
)

// P17: the query of a request is not in the log verbatim. Lines have the parameters that have a meaning, because senders
// add parameters such as _token. A refusal shows no token, wherever its sender put it.
func TestNeitherQueriesNorTokensAreShown(t *testing.T) {
	token, _ := principal.New("agent", principal.Read)
	log := &lines{}
	gate := principal.NewGate(principal.Config{})
	h := New(Config{}, Deps{Cluster: newFake(), Admin: &operators{}, Gate: gate, Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	for _, tt := range []struct {
		method, target, body string
		want                 int
	}{
		{"GET", "/flows?hour=3&token=hunter2", "", 400},
		{"GET", "/flows?hour=3&_token=hunter2", "", 200},
		{"GET", "/flows?from=1&to=2&_token=hunter2", "", 200},
		{"GET", "/hours?from=1&to=2&_token=hunter2", "", 200},
		{"POST", "/admin/drain?node=n3&_token=hunter2", "", 200},
		{"POST", "/admin/forget?store=s&force=x&_token=hunter2", "", 400},
		{"POST", "/flows?token=hunter2", smallRecord, 400},
		{"GET", "/flows?hour=" + token, "", 400},
		{"GET", "/flows?" + token + "=1", "", 400},
		{"GET", "/flows?from=" + token, "", 400},
		{"POST", "/flows", `[{"` + token + `"]`, 400},
		{"POST", "/flows", strings.Replace(smallRecord, `"bytes_tx":1`, `"bytes_tx":"`+token+`"`, 1), 400},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(tt.method, tt.target, strings.NewReader(tt.body))
		r.Host, r.RemoteAddr = "localhost", "127.0.0.1:9"
		h.ServeHTTP(w, r)
		if body := w.Body.String(); w.Code != tt.want || strings.Contains(body, token) || strings.Contains(body, "hunter2") {
			t.Errorf("%s %s = %d %s, want %d without the token", tt.method, tt.target, w.Code, body, tt.want)
		}
	}
	if log.count("hunter2") > 0 {
		t.Errorf("the log shows the value of a parameter without a meaning:\n%s", log.text.String())
	}
	for _, want := range []string{"call=/admin/drain for=\"node=n3\"", "query=\"from=1&to=2\"", http.MethodPost} {
		if log.count(want) == 0 {
			t.Errorf("the log lacks %s:\n%s", want, log.text.String())
		}
	}
}
