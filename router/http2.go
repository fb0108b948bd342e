package router

import (
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

var errHTTP2 = errors.New("this port speaks HTTP/1.1 and no HTTP/2; configure the client or the proxy for HTTP/1.1")

// The answer to HTTP/2 that is sent without being agreed on, in two frames of RFC 9113: an empty SETTINGS, with which every server
// begins, and a GOAWAY with the error HTTP_1_1_REQUIRED, which most clients show. An answer in HTTP/1.1 is noise to them.
const goAway = "\x00\x00\x00\x04\x00\x00\x00\x00\x00" +
	"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x0d"

// onlyHTTP1 refuses HTTP/2 with prior knowledge: net/http hands its first line, PRI * HTTP/2.0, on as a request. A request with
// Upgrade: h2c, as Java's client sends, is one of HTTP/1.1 and is answered in HTTP/1.1.
func (rt *router) onlyHTTP1(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			next.ServeHTTP(w, r)
			return
		}
		if times := rt.http2.Allow(time.Now()); times > 0 {
			rt.Log.Warn("HTTP/2 without TLS refused", "from", r.RemoteAddr, "refused", times)
		}
		conn, rest, err := http.NewResponseController(w).Hijack()
		if err != nil {
			rt.refuse(w, r, errHTTP2)
			return
		}
		defer conn.Close()
		rt.metrics.refusals.WithLabelValues(answerTo(errHTTP2).name).Inc()
		if err := sendAway(conn, rest); err != nil {
			rt.Log.Debug("HTTP/2 client went away", "from", r.RemoteAddr, "err", err)
		}
		panic(http.ErrAbortHandler) // so that it counts as aborted, and not as a 200
	})
}

// sendAway sends goAway, and reads what the client has sent meanwhile: to close a connection with unread bytes would take the answer
// from the client.
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
