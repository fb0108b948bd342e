package router

import (
	"math/rand/v2"
	"net/http"
	"time"

	"flowring/internal/contract"
	"flowring/router/admission"
	"flowring/router/goaway"
)

// limitHTTP2 bounds the requests of HTTP/2, of which a connection may have many, and refuses HTTP/2 without TLS.
func (rt *router) limitHTTP2(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.ProtoMajor != 2:
			next.ServeHTTP(w, r)
		case r.TLS == nil:
			rt.refuseHTTP2(w, r)
		default:
			client := admission.ClientAddr(r.RemoteAddr)
			if !rt.streams.Enter(client) {
				rt.refuse(w, r, &admission.OverloadError{Limit: limitRequests, RetryAfter: 1 + rand.IntN(3)})
				return
			}
			defer rt.streams.Leave(client)
			next.ServeHTTP(w, r)
		}
	})
}

// refuseHTTP2 refuses HTTP/2 with prior knowledge, whose first line, PRI * HTTP/2.0, net/http passes on as a request.
func (rt *router) refuseHTTP2(w http.ResponseWriter, r *http.Request) {
	if times := rt.http2.Allow(time.Now()); times > 0 {
		rt.Log.WarnContext(r.Context(), "HTTP/2 without TLS refused", "from", r.RemoteAddr, "refused", times)
	}
	conn, rest, err := http.NewResponseController(w).Hijack()
	if err != nil {
		rt.refuse(w, r, contract.HTTPVersion)
		return
	}
	defer conn.Close()
	rt.metrics.refusals.WithLabelValues(contract.HTTPVersion.Problem()).Inc()
	if err := goaway.Send(conn, rest); err != nil {
		rt.Log.DebugContext(r.Context(), "HTTP/2 client went away", "from", r.RemoteAddr, "err", err)
	}
	panic(http.ErrAbortHandler) // metrics count the request as aborted, and not as a 200
}
