package router

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"flowring/flow"
	"flowring/internal/contract"
	"flowring/router/coding"
	"flowring/router/condition"
	"flowring/router/parameter"
)

// sendBuffer is the size in bytes of the first write of an answer. An answer of at most this size is a short one.
const sendBuffer = 64 << 10

// reply is an opened answer on its way to a client.
type reply struct {
	contract.Answer
	media  string
	hold   int    // bytes that are held before the first one is sent; 0: sendBuffer
	broken string // the reason in the refusal of a reply that breaks off before its first byte

	// Headers that are known once the answer is written: trailers are their names, and ended sets them.
	trailers string
	ended    func(http.Header)
}

// send writes a reply. A failure before the first byte is answered like any other failure. A failure after it aborts
// the connection, because the client must not take the beginning of an array for the whole (P5).
func (rt *router) send(w http.ResponseWriter, r *http.Request, answer *reply) {
	h := w.Header()
	if describe(h, answer.Answer); known(r, answer) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", answer.media)
	if r.Method == http.MethodHead {
		return
	}
	out := &outgoing{rt: rt, ctx: r.Context(), header: h, coding: coding.Accepted(r.Header)}
	out.client = deadlineWriter{w: w, conn: http.NewResponseController(w), timeout: rt.SendTimeout}
	defer out.release()
	err := out.send(answer)
	if err != nil && !out.client.started {
		for _, name := range [...]string{"Flowring-Complete", "Flowring-Erased", "Flowring-From", "ETag", "Content-Encoding",
			"Trailer"} {
			h.Del(name)
		}
		rt.refuse(w, r, readError(err, answer.broken))
		return
	}
	if err != nil {
		rt.metrics.broken.Inc()
		rt.Log.DebugContext(r.Context(), "answer broke off", "path", r.URL.Path, "query", parameter.Shown(r.URL), "err", err)
		panic(http.ErrAbortHandler)
	}
}

// describe sets the common headers of a 200 and a 304.
func describe(h http.Header, answer contract.Answer) {
	h.Set("Cache-Control", "no-cache") // a cache must ask before each use, because a kept total is low later
	h.Add("Vary", "Accept-Encoding")
	h.Set("Flowring-Complete", answer.Complete().String())
	if begins, ok := answer.(interface{ From() *flow.Hour }); ok && begins.From() != nil {
		h.Set("Flowring-From", strconv.FormatInt(int64(*begins.From()), 10))
	}
	if erased, ok := answer.(contract.Erased); ok && erased.Erased() > 0 {
		h.Set("Flowring-Erased", time.Unix(erased.Erased(), 0).UTC().Format(time.RFC3339))
	}
	if tag := answer.Tag(); tag != "" {
		h.Set("ETag", condition.EntityTag(tag))
	}
}

// known reports whether the client has the answer.
func known(r *http.Request, answer contract.Answer) bool {
	return (contract.Ask{Known: condition.KnownTags(r.Header)}).Knows(answer.Tag())
}

// readError returns the error of writing an opened answer. An error without a refusal becomes a 503, because another
// attempt may succeed.
func readError(err error, broken string) error {
	if _, _, refused := contract.RefusalOf(err); refused && !errors.Is(err, contract.Internal) {
		return err
	}
	err = fmt.Errorf("write answer: %w", err)
	return &contract.UnavailableError{Reason: broken, Err: err}
}

// outgoing is an answer in transfer. Its first write is the whole of a short answer, or the beginning of a long
// one. A long answer needs a place.
type outgoing struct {
	rt     *router
	ctx    context.Context // of the request
	header http.Header
	coding coding.Coding
	client deadlineWriter

	trailers string // names of headers that follow a long answer

	whole      bool // the first write is the last
	to         io.Writer
	placed     bool
	compressor *coding.Writer
}

func (o *outgoing) send(answer *reply) error {
	buffered := bufio.NewWriterSize(o, cmp.Or(answer.hold, sendBuffer))
	o.trailers = answer.trailers
	if _, err := answer.WriteTo(buffered); err != nil {
		return err
	}
	o.whole = o.to == nil
	if answer.ended != nil {
		answer.ended(o.header)
	}
	if err := buffered.Flush(); err != nil || o.compressor == nil {
		return err
	}
	return o.compressor.Finish()
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

// begin takes a place for a long answer, and sets up the compression. first is the length of the first write.
func (o *outgoing) begin(first int) (err error) {
	if !o.whole {
		if err := o.rt.takePlace(o.ctx); err != nil {
			return err
		}
		o.placed = true
		if o.trailers != "" {
			o.header.Set("Trailer", o.trailers)
		}
	}
	if o.to = &o.client; o.coding == coding.Identity || o.whole && first < coding.MinLength {
		return nil
	}
	o.compressor, err = o.rt.encoders.Writer(o.coding, o.rt.CPUSlots, &o.client)
	if err != nil {
		return err
	}
	o.to = o.compressor
	o.header.Set("Content-Encoding", string(o.coding))
	return nil
}

// release gives back the compressor and the place.
func (o *outgoing) release() {
	if o.compressor != nil {
		o.compressor.Release()
	}
	if o.placed {
		o.rt.leavePlace()
	}
}

// takePlace waits for one of the places for long answers. At most as many answers wait as there are places, because
// each of them holds an hour.
func (rt *router) takePlace(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, DefaultTimeout)
	defer cancel()
	if !rt.awaitPlace(ctx) {
		rt.metrics.longRefused.Inc()
		return contract.Overloaded
	}
	rt.metrics.long.Inc()
	return nil
}

func (rt *router) awaitPlace(ctx context.Context) bool {
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

func (rt *router) leavePlace() {
	rt.metrics.long.Dec()
	<-rt.long
}

// deadlineWriter sets a deadline for each write, because a client without progress must not hold the hour (P16). A slow
// client with progress may take any time. The timeout is for each sendBuffer bytes.
type deadlineWriter struct {
	w       http.ResponseWriter
	conn    *http.ResponseController
	timeout time.Duration
	started bool
}

func (d *deadlineWriter) Write(p []byte) (int, error) {
	d.started = true
	buffers := time.Duration(len(p)+sendBuffer-1) / sendBuffer
	d.conn.SetWriteDeadline(time.Now().Add(d.timeout * max(1, buffers))) // fails only in tests without a connection
	return d.w.Write(p)
}
