package router

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// zstdWindow is the largest window in bytes that a zstd body may ask for: what RFC 9659 has every HTTP client keep to.
const zstdWindow = 8 << 20

// codings pools decoders; the zero value is ready to use. Its memory is bounded by Config.MaxDecoding, as every use is in a
// decoding place.
type codings struct {
	gzip, zstd sync.Pool
}

// decompress returns what the body was before it was compressed as c says, at most limit bytes.
func (d *codings) decompress(c coding, body []byte, limit int64, held *visit) ([]byte, error) {
	switch c {
	case gzipped:
		return d.gunzip(body, limit, held)
	case zstded:
		return d.unzstd(body, limit, held)
	default:
		return body, nil
	}
}

func (d *codings) gunzip(body []byte, limit int64, held *visit) ([]byte, error) {
	z, _ := d.gzip.Get().(*gzip.Reader)
	if z == nil {
		z = new(gzip.Reader)
	}
	defer d.gzip.Put(z)
	if err := z.Reset(bytes.NewReader(body)); err != nil {
		return nil, decodeError(gzipped, err)
	}
	return expand(z, gzipped, limit, held)
}

func (d *codings) unzstd(body []byte, limit int64, held *visit) ([]byte, error) {
	z, _ := d.zstd.Get().(*zstd.Decoder)
	if z == nil {
		var err error
		// One at a time means in the caller's goroutine: nothing to close, so the pool may drop it. No buffer is small enough to
		// be decoded as a whole: it may hold a bomb.
		z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecodeBuffersBelow(0))
		if err != nil {
			return nil, err
		}
	}
	defer d.zstd.Put(z)
	if err := z.Reset(bytes.NewReader(body)); err != nil {
		return nil, decodeError(zstded, err)
	}
	return expand(z, zstded, limit, held)
}

// expand reads what a decoder yields.
func expand(src io.Reader, c coding, limit int64, held *visit) ([]byte, error) {
	if err := held.grow(minCharge); err != nil {
		return nil, err
	}
	body, err := readAll(src, make([]byte, 0, minBuffer), limit, "the decompressed body", held)
	return body, decodeError(c, err)
}

// decodeError tells the client's broken data apart from our limits.
func decodeError(c coding, err error) error {
	if err == nil || errors.As(err, new(*tooLargeError)) || errors.Is(err, errOverloaded) {
		return err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &bodyError{fmt.Errorf("not valid %s: it ends too early", c)}
	}
	return &bodyError{fmt.Errorf("not valid %s: %w", c, err)}
}
