package memnet

import (
	"io"
	"syscall"
	"time"
)

// capacity is how many bytes a half holds that its reader has not taken.
const capacity = 256 << 10

// half is one direction of a stream: the buffers of sender and receiver, and the link between. It is guarded by the stream.
//
// Invariants: chunks arrive in order (at never falls, and what is held comes last); unread is the sum of their bytes until
// closed; a mark that ends the stream for good (gone, reset) comes last.
type half struct {
	link   *link
	count  *tally
	isCut  bool
	closed bool // nobody reads any more
	chunks []chunk
	unread int
	last   time.Time // when the newest chunk that was sent arrives
}

// chunk is what one Write left in a half, or a mark without data.
type chunk struct {
	data []byte
	mark mark
	at   time.Time // arrives; zero: held back by a cut
}

type mark int

const (
	none  mark = iota
	eof        // no more data
	gone       // no more data, and nobody reads the other half
	reset      // as gone, abruptly
)

// put sends a chunk, or holds it back while the half is cut. A half that has ended for good takes nothing more.
func (h *half) put(c chunk, now time.Time) {
	if end, _ := h.ending(); end != none {
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

// arrival returns when n bytes that are sent now arrive: after the latency, not before bytes that were sent earlier, and no faster than
// the rate of the link.
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

// setCut holds back what is sent from now on, or sends what was held back.
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

// close is called when who reads has closed: what is in the half and what is still sent is lost, but still takes up room until
// who writes learns of it.
func (h *half) close() { h.chunks, h.closed = nil, true }

// lose throws away what has not arrived.
func (h *half) lose(now time.Time) {
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

// sever ends the half at once, whatever the latency and the cuts. What has not arrived is lost.
func (h *half) sever(now time.Time) {
	h.lose(now)
	if end, _ := h.ending(); end == none {
		h.chunks = append(h.chunks, chunk{mark: reset, at: now})
	}
}

// take fills p with what has arrived, as far as it goes. Without any it returns the error that the stream ended with, or no
// error and when something will arrive (zero: not known yet).
func (h *half) take(p []byte, now time.Time) (n int, next time.Time, err error) {
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
	return h.head(now)
}

// head returns what the first chunk, which is not arrived data, means for who reads.
func (h *half) head(now time.Time) (n int, next time.Time, err error) {
	switch c := h.chunks[0]; {
	case !due(c.at, now):
		return 0, c.at, nil
	case c.mark == reset:
		return 0, c.at, syscall.ECONNRESET
	default:
		return 0, c.at, io.EOF
	}
}

// ending returns how the half ended for good: none while it did not, and when that arrives.
func (h *half) ending() (mark, time.Time) {
	if len(h.chunks) == 0 {
		return none, time.Time{}
	}
	c := h.chunks[len(h.chunks)-1]
	if c.mark != gone && c.mark != reset {
		return none, time.Time{}
	}
	return c.mark, c.at
}
