package router

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// sendBuffer is how many bytes of an answer are collected before they are sent.
const sendBuffer = 64 << 10

// send writes an opened answer. As long as nothing was sent a failure is answered like any other; after that the connection is
// aborted, so that nobody takes the beginning of an array for the whole (P5).
func (rt *router) send(w http.ResponseWriter, r *http.Request, answer Answer) {
	h := w.Header()
	h.Set("Content-Type", mediaJSON)
	h.Set("Cache-Control", "no-store") // a stored copy would be a low total later
	h.Set("Flowring-Complete", string(answer.Complete()))
	if r.Method == http.MethodHead {
		return
	}
	out := &deadlineWriter{w: w, conn: http.NewResponseController(w), timeout: rt.SendTimeout}
	buffered := bufio.NewWriterSize(out, sendBuffer)
	_, err := answer.WriteTo(buffered)
	if err != nil && !out.started {
		h.Del("Flowring-Complete")
		rt.refuse(w, r, readError(err))
		return
	}
	if err = errors.Join(err, buffered.Flush()); err != nil {
		rt.metrics.broken.Inc()
		rt.Log.Debug("answer broke off", "path", r.URL.Path, "query", r.URL.RawQuery, "err", err)
		panic(http.ErrAbortHandler)
	}
}

// readError makes a failure to read an opened hour what it is for the client: nothing that trying again could not cure.
func readError(err error) error {
	if answerTo(err).status == http.StatusServiceUnavailable {
		return err
	}
	return &UnavailableError{Reason: "the hour could not be read to its end", Err: fmt.Errorf("write answer: %w", err)}
}

// deadlineWriter gives the client a time for each write, whatever the length of the answer: a slow reader that keeps reading
// is served, one that stops does not hold the hour (P16).
type deadlineWriter struct {
	w       http.ResponseWriter
	conn    *http.ResponseController
	timeout time.Duration
	started bool
}

func (d *deadlineWriter) Write(p []byte) (int, error) {
	d.started = true
	d.conn.SetWriteDeadline(time.Now().Add(d.timeout)) // fails where there is no connection, in tests
	return d.w.Write(p)
}
