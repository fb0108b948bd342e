package peer

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"flowring/internal/racetest"
)

// Bodies that never arrive, from one address, leave slots for the calls of other addresses (P16).
func TestSlowBodiesOfOneAddressLeaveSlots(t *testing.T) {
	racetest.Bubble(t, func(t *testing.T) {
		s := NewServer(ServerConfig{}, ServerDeps{Handler: newDouble(), Log: slog.New(slog.DiscardHandler)})
		call := func(from string, body io.Reader) int {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/peer/v1/hello", body)
			r.RemoteAddr = from
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			return w.Code
		}
		never, end := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range 300 {
			wg.Go(func() { call(fmt.Sprintf("10.9.9.9:%d", i+1), waiting{never}) })
		}
		synctest.Wait()
		if refused := s.Refused(); refused < 200 || refused >= 300 {
			t.Errorf("%d of 300 slow calls are refused, want most of them and not all", refused)
		}
		if code := call("10.0.0.1:1", strings.NewReader("{}")); code != http.StatusOK {
			t.Errorf("a call of another address = %d, want 200", code)
		}
		end()
		wg.Wait()
	})
}

// waiting is a body that never arrives.
type waiting struct{ ctx context.Context }

func (w waiting) Read([]byte) (int, error) {
	<-w.ctx.Done()
	return 0, io.ErrUnexpectedEOF
}
