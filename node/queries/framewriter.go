package queries

import (
	"io"
	"net/http"
	"sync"
	"time"

	"flowring/node/peer/wire"
)

// signEvery is the time without a frame after which a sign of life is sent. The reader gives a body up that is silent
// for longer (node/peer/idle).
const signEvery = time.Second

// frameWriter writes frames. While the writer has none to write, it sends signs of life.
type frameWriter struct {
	mu      sync.Mutex
	w       io.Writer
	buf     []byte
	written int64
	err     error
	ended   bool
	sign    *time.Timer
}

func newFrameWriter(w io.Writer) *frameWriter {
	f := &frameWriter{w: w}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sign = time.AfterFunc(signEvery, f.sendSign)
	return f
}

// sendSign writes a sign of life, and flushes it.
func (f *frameWriter) sendSign() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writeFrame([]byte{wire.FrameAlive})
	if w, ok := f.w.(http.ResponseWriter); ok && f.err == nil && !f.ended {
		f.err = http.NewResponseController(w).Flush()
	}
}

// write writes a frame.
func (f *frameWriter) write(kind byte, body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.buf = append(append(f.buf[:0], kind), body...)
	f.writeFrame(f.buf)
}

// writeFrame writes a frame, which is empty at the end.
func (f *frameWriter) writeFrame(frame []byte) {
	if f.err != nil || f.ended {
		return
	}
	f.err = wire.WriteFrame(f.w, frame)
	f.written += int64(len(frame))
	f.sign.Reset(signEvery)
}

// failure returns the first error.
func (f *frameWriter) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// end writes the end of the frames.
func (f *frameWriter) end() (written int64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writeFrame(nil)
	f.ended = true
	return f.written, f.err
}

// stop ends the signs of life.
func (f *frameWriter) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	f.sign.Stop()
}
