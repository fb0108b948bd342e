package router

import (
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"flowring/router/admission"
)

// Both compress as fast as they can: on answers more effort makes no fewer bytes. The window bounds the memory of an encoder, to
// 0.8 MB as gzip's is; a larger one finds no more, for what repeats in an answer does so from one flow to the next.
const (
	gzipLevel        = gzip.BestSpeed
	zstdLevel        = zstd.SpeedFastest
	zstdAnswerWindow = 128 << 10
)

// minCompressed is how many bytes an answer has at least to be compressed: less fits into one packet.
const minCompressed = 1024

// encoder is one of the two.
type encoder interface {
	io.WriteCloser
	Reset(io.Writer)
}

// encoders pools them; the zero value is ready to use.
type encoders struct{ gzip, zstd sync.Pool }

func (e *encoders) pool(c coding) *sync.Pool {
	if c == gzipped {
		return &e.gzip
	}
	return &e.zstd
}

// take returns an encoder that writes to w.
func (e *encoders) take(c coding, w io.Writer) (encoder, error) {
	if z, ok := e.pool(c).Get().(encoder); ok {
		z.Reset(w)
		return z, nil
	}
	if c == gzipped {
		return gzip.NewWriterLevel(w, gzipLevel)
	}
	// One at a time means in the caller's goroutine: nothing is left to stop when an answer breaks off.
	return zstd.NewWriter(w, zstd.WithEncoderLevel(zstdLevel), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(zstdAnswerWindow))
}

// compression compresses an answer piece by piece, each in a turn of its own: what is compressed is collected, and written when the
// turn is over, so that a slow client holds up nobody.
type compression struct {
	slots admission.CPUSlots
	to    io.Writer
	pool  *sync.Pool
	enc   encoder
	done  []byte // compressed, to be written
}

func (e *encoders) compression(c coding, slots admission.CPUSlots, to io.Writer) (*compression, error) {
	z := &compression{slots: slots, to: to, pool: e.pool(c)}
	var err error
	z.enc, err = e.take(c, (*collector)(z))
	return z, err
}

// collector is where a compression's encoder writes.
type collector compression

// Write implements io.Writer.
func (c *collector) Write(p []byte) (int, error) {
	c.done = append(c.done, p...)
	return len(p), nil
}

// Write implements io.Writer.
func (z *compression) Write(p []byte) (n int, err error) {
	z.slots.Acquire()
	n, err = z.enc.Write(p)
	z.slots.Release()
	if err == nil && len(z.done) >= sendBuffer/2 {
		err = z.flush()
	}
	return n, err
}

func (z *compression) flush() error {
	_, err := z.to.Write(z.done)
	z.done = z.done[:0]
	return err
}

// finish writes the end of the answer. Without it what was written does not end like a whole one.
func (z *compression) finish() error {
	z.slots.Acquire()
	err := z.enc.Close()
	z.slots.Release()
	if err == nil {
		err = z.flush()
	}
	return err
}

// release gives the encoder back, finished or not.
func (z *compression) release() {
	z.enc.Reset(nil)
	z.pool.Put(z.enc)
}
