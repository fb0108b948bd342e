package k8s_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"flowring/router"
)

// readyCluster is a cluster that says that it is ready and nothing more.
type readyCluster struct{ router.Cluster }

func (readyCluster) Ready() error { return nil }

// routed asks the program's own handler for a path, as the kubelet would.
func routed(path string) error {
	handler := router.New(router.Config{}, router.Deps{Cluster: readyCluster{}, Log: slog.New(slog.DiscardHandler)})
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	if answer.Code != http.StatusOK {
		return fmt.Errorf("GET %s answers %d of a ready node", path, answer.Code)
	}
	return nil
}
