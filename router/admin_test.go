package router

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/router/admin"
	"flowring/router/principal"
)

// operators is a double of admin.Calls. It keeps the calls, and fails with err.
type operators struct {
	calls []string
	err   error
}

func (o *operators) Drain(_ context.Context, node string) error {
	o.calls = append(o.calls, "drain "+node)
	return o.err
}

func (o *operators) Forget(_ context.Context, store string, force bool) error {
	o.calls = append(o.calls, "forget "+store+map[bool]string{true: " by force"}[force])
	return o.err
}

func (o *operators) ConfirmRetention() error {
	o.calls = append(o.calls, "confirm")
	return o.err
}

func (o *operators) Erase(_ context.Context, from, to flow.Hour, hash string) (admin.Erasure, error) {
	o.calls = append(o.calls, fmt.Sprintf("erase %d to %d %s", from, to, hash))
	return admin.Erasure{From: from, To: to, Hash: "h"}, o.err
}

func (o *operators) Backup(_ context.Context, name string) (admin.Backup, error) {
	o.calls = append(o.calls, "backup "+name)
	return admin.Backup{Name: name}, o.err
}

// An admin call needs the scope admin, or while the node asks for no credentials a caller on its own machine. Each call
// is one line of the log with audit=true, refused or not, with principal and address (P17).
func TestAdminCallsNeedTheScopeAndAreAudited(t *testing.T) {
	required, headers := tokensOf(t, map[string]principal.Scopes{"boss": principal.Admin, "reader": principal.Read | principal.Write})
	for _, tt := range []struct {
		name, method, target, token, remote string
		gate                                *principal.Gate
		want                                int
		call, principal                     string
	}{
		{"drain with a token", "POST", "/admin/drain?node=n2", "boss", "192.0.2.7:1", required, 200, "drain n2", "boss"},
		{"forget with a token", "POST", "/admin/forget?store=0a", "boss", "192.0.2.7:1", required, 200, "forget 0a", "boss"},
		{"forget by force", "POST", "/admin/forget?store=0a&force=true", "boss", "192.0.2.7:1", required, 200, "forget 0a by force", "boss"},
		{"confirm the retention", "POST", "/admin/retention/confirm", "boss", "192.0.2.7:1", required, 200, "confirm", "boss"},
		{"confirm the retention without the scope", "POST", "/admin/retention/confirm", "reader", "127.0.0.1:1", required, 403, "", "reader"},
		{"plan an erasure", "POST", "/admin/erase?from=4&to=9", "boss", "192.0.2.7:1", required, 200, "erase 4 to 9 ", "boss"},
		{"apply an erasure", "POST", "/admin/erase?from=4&to=9&apply=h", "boss", "192.0.2.7:1", required, 200, "erase 4 to 9 h", "boss"},
		{"erase without the scope", "POST", "/admin/erase?from=4&to=9", "reader", "127.0.0.1:1", required, 403, "", "reader"},
		{"erase no hour", "POST", "/admin/erase?from=9&to=9", "boss", "192.0.2.7:1", required, 400, "", "boss"},
		{"erase without a range", "POST", "/admin/erase?from=9", "boss", "192.0.2.7:1", required, 400, "", "boss"},
		{"backup with a token", "POST", "/admin/backup?name=monday", "boss", "192.0.2.7:1", required, 200, "backup monday", "boss"},
		{"backup without the scope", "POST", "/admin/backup?name=monday", "reader", "127.0.0.1:1", required, 403, "", "reader"},
		{"backup of an open node, from another machine", "POST", "/admin/backup?name=monday", "", "192.0.2.7:1", nil, 403, "", ""},
		{"a token without the scope", "POST", "/admin/drain?node=n2", "reader", "127.0.0.1:1", required, 403, "", "reader"},
		{"no token, from this machine", "POST", "/admin/drain?node=n2", "", "127.0.0.1:1", required, 401, "", ""},
		{"an open node, from this machine", "POST", "/admin/drain?node=n2", "", "127.0.0.1:1", nil, 200, "drain n2", ""},
		{"an open node, from another machine", "POST", "/admin/drain?node=n2", "", "192.0.2.7:1", nil, 403, "", ""},
		{"no node", "POST", "/admin/drain", "boss", "192.0.2.7:1", required, 400, "", "boss"},
		{"force that is no truth value", "POST", "/admin/forget?store=0a&force=maybe", "boss", "192.0.2.7:1", required, 400, "", "boss"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log lines
			o := &operators{}
			h := New(Config{}, Deps{Cluster: newFake(), Admin: o, Gate: tt.gate, Log: slog.New(slog.NewTextHandler(&log, nil))})
			r := httptest.NewRequest(tt.method, "http://127.0.0.1:8080"+tt.target, nil)
			r.RemoteAddr = tt.remote
			if tt.token != "" {
				r.Header.Set("Authorization", headers[tt.token])
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tt.want || strings.Join(o.calls, ";") != tt.call {
				t.Errorf("%s = %d %s, calls %q, want %d and %q", tt.target, w.Code, w.Body, o.calls, tt.want, tt.call)
			}
			address, _, _ := strings.Cut(tt.remote, ":")
			if log.count("audit=true") != 1 || log.count("client="+address) != 1 || log.count("principal="+tt.principal) == 0 {
				t.Errorf("the log is %q, want one line with audit=true, the principal and the address", log.text.String())
			}
		})
	}
}

func TestARefusedAdminCallHasItsProblem(t *testing.T) {
	for err, want := range map[error]int{
		contract.NotFound.Errorf("no such node (nodes: n1)"): 404, contract.Guarded.Errorf("data would be lost"): 409,
		&contract.UnavailableError{Reason: "the call did not come to its end"}: 503,
	} {
		h := New(Config{}, Deps{Cluster: newFake(), Admin: &operators{err: err}, Log: discard})
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8080/admin/drain?node=n2", nil)
		r.RemoteAddr = "127.0.0.1:1"
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != want || !strings.Contains(w.Body.String(), err.Error()) {
			t.Errorf("a drain that fails with %q = %d %s, want %d", err, w.Code, w.Body, want)
		}
	}
	w := httptest.NewRecorder()
	New(Config{}, Deps{Cluster: newFake(), Log: discard}).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/admin/drain?node=n2", nil))
	if w.Code != 404 {
		t.Errorf("a router without the calls of operators answers %d, want 404", w.Code)
	}
}
