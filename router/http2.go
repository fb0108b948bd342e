package router

import (
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"flowring/internal/contract"
	"flowring/router/admission"
)

// goAway is the answer to HTTP/2 with prior knowledge, in two frames of RFC 9113: an empty SETTINGS, with which every
// server begins, and a GOAWAY with the error HTTP_1_1_REQUIRED. Most clients show this error. They do not understand an
// answer in HTTP/1.1.
const goAway = "\x00\x00\x00\x04\x00\x00\x00\x00\x00" +
	"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x0d"

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

// refuseHTTP2 refuses HTTP/2 with prior knowledge: net/http passes on its first line, PRI * HTTP/2.0, as a request. A
// request with Upgrade: h2c, which Java's client sends, is HTTP/1.1 and gets an answer in HTTP/1.1.
func (rt *router) refuseHTTP2(w http.ResponseWriter, r *http.Request) {
	if times := rt.http2.Allow(time.Now()); times > 0 {
		rt.Log.Warn("HTTP/2 without TLS refused", "from", r.RemoteAddr, "refused", times)
	}
	conn, rest, err := http.NewResponseController(w).Hijack()
	if err != nil {
		rt.refuse(w, r, contract.HTTPVersion)
		return
	}
	defer conn.Close()
	rt.metrics.refusals.WithLabelValues(contract.HTTPVersion.Problem()).Inc()
	if err := sendAway(conn, rest); err != nil {
		rt.Log.Debug("HTTP/2 client went away", "from", r.RemoteAddr, "err", err)
	}
	panic(http.ErrAbortHandler) // metrics count the request as aborted, and not as a 200
}

// sendAway sends goAway. Then it reads the bytes sent by the client meanwhile, because the client loses the answer
// if the connection is closed with unread bytes.
func sendAway(conn net.Conn, rest io.Reader) error {
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, goAway); err != nil {
		return err
	}
	_, err := io.CopyN(io.Discard, rest, 64<<10)
	return err
}
