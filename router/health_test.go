package router

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Every answer of an unready node asks the client to close its connection, because a balancer such as kube-proxy never
// cuts an open connection.
func TestAnUnreadyNodeAsksClientsToCloseTheirConnections(t *testing.T) {
	for _, unready := range []bool{false, true} {
		f := newFake()
		if unready {
			f.ready = errors.New("stopping")
		}
		h := New(Config{}, Deps{Cluster: f, Log: discard, Unready: func() bool { return unready }})
		for _, path := range []string{"/readyz", "/livez", "/members", "/flows?hour=1", "/flows?hour=x", "/nothing"} {
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
			if closes := rec.Header().Get("Connection") == "close"; closes != unready {
				t.Errorf("GET %s at a node that is unready: %t: closes the connection: %t, want %t", path, unready, closes, unready)
			}
		}
	}
}
