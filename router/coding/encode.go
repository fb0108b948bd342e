package coding

import (
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"flowring/router/admission"
)

// Both encoders use their fastest level, because a higher level makes no fewer bytes of an answer. The window of zstd
// limits the memory of an encoder to 0.8 MB, as much as gzip takes. A larger window finds no more, because an answer
// repeats texts from one flow to the next.
const (
	gzipLevel  = gzip.BestSpeed
	zstdLevel  = zstd.SpeedFastest
	zstdEncode = 128 << 10 // bytes of the window
)

// MinLength is the length in bytes from which an answer is compressed. A shorter answer fits into one packet.
const MinLength = 1024

// flushAt is the number of collected bytes at which a Writer writes them.
const flushAt = 32 << 10

type encoder interface {
	io.WriteCloser
	Reset(io.Writer)
}

// Encoders is a pool of encoders. The zero value is ready to use.
type Encoders struct{ gzip, zstd sync.Pool }

func (e *Encoders) pool(c Coding) *sync.Pool {
	if c == Gzip {
		return &e.gzip
	}
	return &e.zstd
}

// take returns an encoder with the output w.
func (e *Encoders) take(c Coding, w io.Writer) (encoder, error) {
	if z, ok := e.pool(c).Get().(encoder); ok {
		z.Reset(w)
		return z, nil
	}
	if c == Gzip {
		return gzip.NewWriterLevel(w, gzipLevel)
	}
	// With a concurrency of 1 the encoder runs in the caller's goroutine: a truncated answer leaves none behind.
	return zstd.NewWriter(w, zstd.WithEncoderLevel(zstdLevel), zstd.WithEncoderConcurrency(1),
		zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(zstdEncode))
}

// Writer compresses an answer piece by piece. It acquires a CPU slot for each piece, collects the compressed bytes, and
// writes them without the slot, because a slow client must not hold a slot.
type Writer struct {
	slots admission.CPUSlots
	to    io.Writer
	pool  *sync.Pool
	enc   encoder
	done  []byte // compressed bytes to be written
}

// Writer returns a Writer to an answer. The caller releases it.
func (e *Encoders) Writer(c Coding, slots admission.CPUSlots, to io.Writer) (*Writer, error) {
	z := &Writer{slots: slots, to: to, pool: e.pool(c)}
	var err error
	z.enc, err = e.take(c, (*collector)(z))
	return z, err
}

// collector is the Writer as its encoder sees it.
type collector Writer

// Write implements io.Writer.
func (c *collector) Write(p []byte) (int, error) {
	c.done = append(c.done, p...)
	return len(p), nil
}

// Write implements io.Writer.
func (z *Writer) Write(p []byte) (n int, err error) {
	z.slots.Acquire()
	n, err = z.enc.Write(p)
	z.slots.Release()
	if err == nil && len(z.done) >= flushAt {
		err = z.flush()
	}
	return n, err
}

func (z *Writer) flush() error {
	_, err := z.to.Write(z.done)
	z.done = z.done[:0]
	return err
}

// Finish writes the end of the answer.
func (z *Writer) Finish() error {
	z.slots.Acquire()
	err := z.enc.Close()
	z.slots.Release()
	if err == nil {
		err = z.flush()
	}
	return err
}

// Release gives the encoder back to the pool, finished or not.
func (z *Writer) Release() {
	z.enc.Reset(nil)
	z.pool.Put(z.enc)
}
