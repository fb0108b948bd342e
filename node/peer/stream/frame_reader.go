package stream

import (
	"bufio"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

const (
	readBuffer = 32 << 10 // bytes

	// stallTimeout is the time in which a frame must make progress. Calls have limits of their own.
	stallTimeout = 30 * time.Second

	// leastProgress is the progress, in bytes, of a frame that is not whole after stallTimeout: 16 KiB a second.
	leastProgress = 16 << 10 * uint64(stallTimeout/time.Second)
)

var (
	errStalled = errors.New("a frame made no progress")
	errUnused  = errors.New("the stream was not used")
)

// frameReader reads frames from a connection. It fails when a frame makes no progress for stallTimeout, and when the
// stream is unused. Its fields belong to the reading goroutine, except arrivals.
type frameReader struct {
	*bufio.Reader
	conn     net.Conn
	arrivals atomic.Uint64              // number of reads with at least one byte
	inFrame  bool                       // a head was read and its body was not
	unused   func(quietChecks int) bool // reports whether to close the stream, which is quiet

	bytes, frames uint64 // received bytes, and frames of which the head was read

	lastArrivals uint64 // arrivals at the last check
	lastBytes    uint64 // bytes at the last check
	lastFrames   uint64 // frames at the last check
	quietChecks  int    // consecutive checks without an arrival
}

func newFrameReader(conn net.Conn, unused func(quietChecks int) bool) *frameReader {
	r := &frameReader{conn: conn, unused: unused}
	r.Reader = bufio.NewReaderSize((*connReader)(r), readBuffer)
	return r
}

// connReader is the source of a frameReader's buffer. It reads from the connection and checks progress at each read
// deadline.
type connReader frameReader

// Read implements io.Reader.
func (r *connReader) Read(p []byte) (int, error) {
	for {
		n, err := r.conn.Read(p)
		if n > 0 {
			r.arrivals.Add(1)
			r.bytes += uint64(n)
			return n, nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, err
		}
		if err := r.checkProgress(); err != nil {
			return 0, err
		}
	}
}

// checkProgress runs when stallTimeout has passed. It fails if the stream is to end, and sets the next deadline
// otherwise.
func (r *connReader) checkProgress() error {
	slow := r.inFrame && r.frames == r.lastFrames && r.bytes-r.lastBytes < leastProgress
	r.lastBytes, r.lastFrames = r.bytes, r.frames
	if n := r.arrivals.Load(); n != r.lastArrivals && !slow {
		r.lastArrivals, r.quietChecks = n, 0
	} else if r.quietChecks++; r.inFrame || r.Buffered() > 0 {
		return errStalled
	} else if r.unused(r.quietChecks) {
		return errUnused
	}
	return r.conn.SetReadDeadline(time.Now().Add(stallTimeout))
}

// start sets the first deadline.
func (r *frameReader) start() error { return r.conn.SetReadDeadline(time.Now().Add(stallTimeout)) }

// next reads the head of a frame. The caller then reads the body with body, or skips it with skip.
func (r *frameReader) next() (head, error) {
	r.inFrame = false
	h, err := readHead(r.Reader)
	r.inFrame = true
	r.frames++
	return h, err
}

// body reads size bytes of the body of a frame, into buf if they fit.
func (r *frameReader) body(size int, buf []byte) ([]byte, error) {
	return readBody(r.Reader, size, buf)
}

// skip discards size bytes of the body of a frame.
func (r *frameReader) skip(size int) error {
	_, err := r.Discard(size)
	return unexpectedEOF(err)
}
