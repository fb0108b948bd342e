package watch

import (
	"context"
	"net/http"
	"time"

	"flowring/internal/contract"
	"flowring/router/ask"
)

// Serve sends the rows of a query until the client goes away, the node ends, or the viewer is dropped. It returns an
// error only before the first byte. A stream whose first evaluation fails is refused with the error of the evaluation.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request, q *ask.Query) error {
	if h.Ending() {
		return &contract.UnavailableError{Reason: "this node is not ready to serve viewers; watch the query at another node"}
	}
	s, err := h.join(q)
	if err != nil {
		return err
	}
	defer h.leave(s)
	first, err := s.first(r.Context())
	if err != nil {
		return err
	}
	v := &viewer{hub: h, stream: s, w: w, conn: http.NewResponseController(w)}
	v.start()
	if id := r.Header.Get("Last-Event-ID"); id == "" || id != string(first.tag) {
		v.send(first.encodeAll())
	}
	v.follow(r.Context(), first)
	return nil
}

// first returns the first version with rows, or the error of the first evaluation.
func (s *stream) first(ctx context.Context) (*version, error) {
	for {
		switch v, changed := s.current(); {
		case v != nil && v.table != nil:
			return v, nil
		case v != nil:
			return nil, v.err
		default:
			select {
			case <-changed:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	}
}

// viewer is a client that watches a stream.
type viewer struct {
	hub    *Hub
	stream *stream
	w      http.ResponseWriter
	conn   *http.ResponseController
	sent   time.Time // of the last event or comment
	gone   bool      // a write failed
}

// start sends the headers, and the time after which a client connects again.
func (v *viewer) start() {
	h := v.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold the events back
	v.send([]byte("retry: 1000\n\n"))
}

// follow sends what comes after a version.
func (v *viewer) follow(ctx context.Context, last *version) {
	ticker := time.NewTicker(v.hub.Every)
	defer ticker.Stop()
	for !v.gone {
		next, changed := v.stream.current()
		if next != last {
			if next.number == last.number+1 {
				v.send(next.change)
			} else {
				v.send(next.encodeAll())
			}
			last = next
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		case <-ticker.C:
			if v.hub.Ending() {
				v.send([]byte(": this node is not ready any more; connect again\n\n"))
				return
			}
			if time.Since(v.sent) >= v.hub.Heartbeat {
				v.send([]byte(": nothing has changed\n\n"))
			}
		}
	}
}

// send writes an event or a comment, and flushes it. A viewer that does not take it in time is dropped.
func (v *viewer) send(text []byte) {
	if v.gone {
		return
	}
	v.sent = time.Now()
	v.conn.SetWriteDeadline(v.sent.Add(v.hub.SendTimeout)) // fails only in tests without a connection
	_, err := v.w.Write(text)
	if err == nil {
		err = v.conn.Flush()
	}
	if err != nil {
		v.gone = true
		v.hub.metrics.dropped.Inc()
	}
}
