package port

import (
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"flowring/internal/browser"
	"flowring/internal/lograte"
)

// Pages refuses requests of web pages at a port that has none: a page could drain the node at the peer port. The zero
// value refuses nothing yet.
type Pages struct {
	refused atomic.Int64
	log     lograte.Limiter
}

// Refused returns the number of refused requests.
func (p *Pages) Refused() int64 { return p.refused.Load() }

// Handler returns handler behind the guard of its port.
func (p *Pages) Handler(g *browser.Guard, log *slog.Logger, handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := g.Check(r)
		if err == nil {
			handler.ServeHTTP(w, r)
			return
		}
		p.refused.Add(1)
		if times := p.log.Allow(time.Now()); times > 0 {
			log.Warn("peer call of a web page refused", "from", r.RemoteAddr, "host", r.Host, "origin", r.Header.Get("Origin"),
				"refused", times, "err", err)
		}
		status := http.StatusForbidden
		if errors.As(err, new(*browser.HostError)) {
			status = http.StatusMisdirectedRequest
		}
		http.Error(w, err.Error(), status)
	})
}
