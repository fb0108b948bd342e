package router

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"flowring/internal/contract"
)

// sendBuffer is how many bytes of an answer are collected before they are sent. An answer that is no longer is a short one.
const sendBuffer = 64 << 10

// send writes an opened answer. As long as nothing was sent a failure is answered like any other; after that the connection is
// aborted, so that nobody takes the beginning of an array for the whole (P5).
func (rt *router) send(w http.ResponseWriter, r *http.Request, answer contract.Answer) {
	h := w.Header()
	if describe(h, answer); known(r, answer) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", mediaJSON)
	if r.Method == http.MethodHead {
		return
	}
	out := &outgoing{rt: rt, ctx: r.Context(), header: h, coding: acceptedCoding(r.Header)}
	out.client = deadlineWriter{w: w, conn: http.NewResponseController(w), timeout: rt.SendTimeout}
	defer out.release()
	err := out.send(answer)
	if err != nil && !out.client.started {
		for _, name := range [...]string{"Flowring-Complete", "ETag", "Content-Encoding"} {
			h.Del(name)
		}
		rt.refuse(w, r, readError(err))
		return
	}
	if err != nil {
		rt.metrics.broken.Inc()
		rt.Log.Debug("answer broke off", "path", r.URL.Path, "query", r.URL.RawQuery, "err", err)
		panic(http.ErrAbortHandler)
	}
}

// describe sets what a 200 and a 304 alike say of an answer.
func describe(h http.Header, answer contract.Answer) {
	h.Set("Cache-Control", "no-cache") // may be kept, but asked about before each use: a kept copy would be a low total later
	h.Add("Vary", "Accept-Encoding")
	h.Set("Flowring-Complete", answer.Complete().String())
	if tag := answer.Tag(); tag != "" {
		h.Set("ETag", entityTag(tag))
	}
}

// known reports whether the client has the answer.
func known(r *http.Request, answer contract.Answer) bool {
	return (contract.Ask{Known: knownTags(r.Header)}).Knows(answer.Tag())
}

// readError makes a failure to read an opened hour what it is for the client: nothing that trying again could not cure.
func readError(err error) error {
	if r, _ := refusalOf(err); r.Status() == http.StatusServiceUnavailable {
		return err
	}
	return &contract.UnavailableError{Reason: "the hour could not be read to its end", Err: fmt.Errorf("write answer: %w", err)}
}

// outgoing is an answer on its way. The first write to it is of a short answer, which is whole, or the beginning of a long one, which
// needs a place.
type outgoing struct {
	rt     *router
	ctx    context.Context // of the request
	header http.Header
	coding coding
	client deadlineWriter

	whole       bool // the first write is the last
	to          io.Writer
	placed      bool
	compression *compression
}

func (o *outgoing) send(answer contract.Answer) error {
	buffered := bufio.NewWriterSize(o, sendBuffer)
	if _, err := answer.WriteTo(buffered); err != nil {
		return err
	}
	o.whole = o.to == nil
	if err := buffered.Flush(); err != nil || o.compression == nil {
		return err
	}
	return o.compression.finish()
}

// Write implements io.Writer.
func (o *outgoing) Write(p []byte) (int, error) {
	if o.to == nil {
		if err := o.begin(len(p)); err != nil {
			return 0, err
		}
	}
	return o.to.Write(p)
}

// begin finds a place for a long answer, and begins to compress one that is to be.
func (o *outgoing) begin(first int) (err error) {
	if !o.whole {
		if err := o.rt.place(o.ctx); err != nil {
			return err
		}
		o.placed = true
	}
	if o.to = &o.client; o.coding == identity || o.whole && first < minCompressed {
		return nil
	}
	o.compression, err = o.rt.encoders.compression(o.coding, o.rt.CPUSlots, &o.client)
	if err != nil {
		return err
	}
	o.to = o.compression
	o.header.Set("Content-Encoding", string(o.coding))
	return nil
}

// release gives back what the answer took.
func (o *outgoing) release() {
	if o.compression != nil {
		o.compression.release()
	}
	if o.placed {
		o.rt.leave()
	}
}

// place takes one of the places for long answers, once there is one. As many may wait as there are places: each holds an hour.
func (rt *router) place(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, DefaultTimeout)
	defer cancel()
	if !rt.queue(ctx) {
		rt.metrics.longRefused.Inc()
		return contract.Overloaded
	}
	rt.metrics.long.Inc()
	return nil
}

func (rt *router) queue(ctx context.Context) bool {
	select {
	case rt.long <- struct{}{}:
		return true
	default:
	}
	select {
	case rt.queued <- struct{}{}:
		defer func() { <-rt.queued }()
	default:
		return false
	}
	select {
	case rt.long <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (rt *router) leave() {
	rt.metrics.long.Dec()
	<-rt.long
}

// deadlineWriter gives the client a time for each write, whatever the length of the answer: a slow reader that keeps reading
// is served, one that stops does not hold the hour (P16). The time is for each sendBuffer of it.
type deadlineWriter struct {
	w       http.ResponseWriter
	conn    *http.ResponseController
	timeout time.Duration
	started bool
}

func (d *deadlineWriter) Write(p []byte) (int, error) {
	d.started = true
	buffers := time.Duration(len(p)+sendBuffer-1) / sendBuffer
	d.conn.SetWriteDeadline(time.Now().Add(d.timeout * max(1, buffers))) // fails where there is no connection, in tests
	return d.w.Write(p)
}
