package memnet

import (
	"io"
	"syscall"
	"time"
)

// capacity bounds the unread bytes of a half.
const capacity = 256 << 10

// half is one direction of a stream: the buffers of sender and receiver, and the link between them. The stream's mutex
// guards it.
//
// Invariants: chunks arrive in order (at never falls, and chunks held back come last); unread is the sum of their bytes
// until closed; a mark that ends the stream for good (gone, reset) comes last.
type half struct {
	link   *link
	count  *counters
	isCut  bool
	closed bool // the reader has closed
	chunks []chunk
	unread int
	last   time.Time // arrival of the newest chunk sent
}

// chunk is the data of one Write, or a mark without data.
type chunk struct {
	data []byte
	mark mark
	at   time.Time // arrival; zero: held back by a cut
}

type mark int

const (
	none  mark = iota
	eof        // no more data
	gone       // no more data, and the sender has closed its reading side too
	reset      // like gone, but as a reset
)

// put sends a chunk, or holds it back while the half is cut. After its final mark a half takes no more chunks.
func (h *half) put(c chunk, now time.Time) {
	if end, _ := h.endMark(); end != none {
		return
	}
	h.unread += len(c.data)
	if h.closed {
		return
	}
	if !h.isCut {
		c.at = h.arrival(now, len(c.data))
	}
	h.chunks = append(h.chunks, c)
}

// arrival returns the arrival of n bytes sent now: after the latency, not before the bytes of earlier chunks, and at
// most at the rate of the link.
func (h *half) arrival(now time.Time, n int) time.Time {
	at := now.Add(h.link.delay())
	if at.Before(h.last) {
		at = h.last
	}
	if rate := h.link.rate.Load(); rate > 0 {
		at = at.Add(time.Duration(n) * time.Second / time.Duration(rate))
	}
	h.last = at
	return at
}

// setCut starts to hold chunks back, or sends the chunks held back.
func (h *half) setCut(isCut bool, now time.Time) {
	h.isCut = isCut
	if isCut {
		return
	}
	for i := range h.chunks {
		if h.chunks[i].at.IsZero() {
			h.chunks[i].at = h.arrival(now, len(h.chunks[i].data))
		}
	}
}

// close runs when the reader has closed. All chunks are lost, later ones too. They still count as unread until the
// writer learns of the close.
func (h *half) close() { h.chunks, h.closed = nil, true }

// dropInFlight drops the chunks that have not arrived.
func (h *half) dropInFlight(now time.Time) {
	for i, c := range h.chunks {
		if !due(c.at, now) {
			h.chunks = h.chunks[:i]
			break
		}
	}
	h.unread = 0
	for _, c := range h.chunks {
		h.unread += len(c.data)
	}
}

// resetNow ends the half at once, regardless of latency and cuts. Chunks in flight are lost.
func (h *half) resetNow(now time.Time) {
	h.dropInFlight(now)
	if end, _ := h.endMark(); end == none {
		h.chunks = append(h.chunks, chunk{mark: reset, at: now})
	}
}

// read fills p with bytes that have arrived. Without any it returns the error of the stream's end. Without an end it
// returns the time of the next arrival (zero: not known yet).
func (h *half) read(p []byte, now time.Time) (n int, next time.Time, err error) {
	for n < len(p) && len(h.chunks) > 0 {
		c := &h.chunks[0]
		if !due(c.at, now) || c.mark != none {
			break
		}
		k := copy(p[n:], c.data)
		n += k
		if c.data = c.data[k:]; len(c.data) == 0 {
			h.chunks[0] = chunk{}
			h.chunks = h.chunks[1:]
		}
	}
	h.unread -= n
	if n > 0 || len(p) == 0 || len(h.chunks) == 0 {
		return n, time.Time{}, nil
	}
	return h.readEnd(now)
}

// readEnd returns the reader's result for a first chunk that is in flight or a mark.
func (h *half) readEnd(now time.Time) (n int, next time.Time, err error) {
	switch c := h.chunks[0]; {
	case !due(c.at, now):
		return 0, c.at, nil
	case c.mark == reset:
		return 0, c.at, syscall.ECONNRESET
	default:
		return 0, c.at, io.EOF
	}
}

// endMark returns the final mark of the half and its arrival, or none.
func (h *half) endMark() (mark, time.Time) {
	if len(h.chunks) == 0 {
		return none, time.Time{}
	}
	c := h.chunks[len(h.chunks)-1]
	if c.mark != gone && c.mark != reset {
		return none, time.Time{}
	}
	return c.mark, c.at
}
