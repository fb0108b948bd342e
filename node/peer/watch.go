package peer

import (
	"bufio"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// watch reads frames from a connection, counts what comes, and gives up a frame that makes no progress and a stream that is not used.
type watch struct {
	*bufio.Reader
	conn   net.Conn
	heard  atomic.Uint64        // reads that brought something
	within bool                 // the rest of a frame is being read
	unused func(times int) bool // asked at each stallTimeout in which nothing came, in a row: is the stream to be closed?

	seen  uint64 // heard, when last looked at
	quiet int    // how many times in a row nothing had come since
}

const streamBuffer = 32 << 10

func newWatch(conn net.Conn, unused func(times int) bool) *watch {
	w := &watch{conn: conn, unused: unused}
	w.Reader = bufio.NewReaderSize((*watched)(w), streamBuffer)
	return w
}

// watched is a watch as its buffer reads from it.
type watched watch

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	for {
		n, err := w.conn.Read(p)
		if n > 0 {
			w.heard.Add(1)
			return n, nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, err
		}
		if err := w.look(); err != nil {
			return 0, err
		}
	}
}

// look says whether to go on, once a time of stallTimeout has passed, and begins the next one.
func (w *watched) look() error {
	if heard := w.heard.Load(); heard != w.seen {
		w.seen, w.quiet = heard, 0
	} else if w.quiet++; w.within || w.Buffered() > 0 {
		return errStalled
	} else if w.unused(w.quiet) {
		return errUnused
	}
	return w.conn.SetReadDeadline(time.Now().Add(stallTimeout))
}

var (
	errStalled = errors.New("a frame made no progress")
	errUnused  = errors.New("the stream was not used")
)

// begin begins to look.
func (w *watch) begin() error { return w.conn.SetReadDeadline(time.Now().Add(stallTimeout)) }

// next reads the beginning of a frame; its rest must follow, with rest or skip.
func (w *watch) next() (frameHead, error) {
	w.within = false
	h, err := readHead(w.Reader)
	w.within = true
	return h, err
}

// rest reads the rest of a frame, into buf where it fits.
func (w *watch) rest(h frameHead, buf []byte) ([]byte, error) { return readRest(w.Reader, h.size, buf) }

// skip reads past the rest of a frame.
func (w *watch) skip(h frameHead) error {
	_, err := w.Discard(h.size)
	return err
}
