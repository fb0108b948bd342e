package coding

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"

	"github.com/klauspost/compress/zstd"

	"flowring/router/admission"
)

// zstdWindow is the largest window, in bytes, for which a decoder keeps its own memory. RFC 9659 limits HTTP clients to
// this window.
const zstdWindow = 8 << 20

// unzstd decompresses zstd. It decodes a body with a larger window than zstdWindow in one piece: the window is then the
// result itself.
func (d *Decoders) unzstd(body []byte, limit int64, ticket *admission.Ticket) ([]byte, error) {
	text, err := d.unzstdStream(body, limit, ticket)
	if errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		text, err = d.unzstdWhole(body, limit, ticket)
	}
	if isBroken := errors.Is(err, zstd.ErrMagicMismatch) || errors.Is(err, io.ErrUnexpectedEOF); isBroken {
		if at := framesEnd(body); at > 0 && !beginsFrame(body[at:]) {
			err = &trailingError{int64(at)}
		}
	}
	return text, decodeError(Zstd, err)
}

// unzstdStream decodes a body through a window. It returns the errors of the decoder unchanged.
func (d *Decoders) unzstdStream(body []byte, limit int64, ticket *admission.Ticket) ([]byte, error) {
	z, _ := d.zstd.Get().(*zstd.Decoder)
	if z == nil {
		var err error
		// With a concurrency of 1 the decoder runs in the caller's goroutine: the pool may drop it without a Close. The
		// decoder must not decode small buffers in one piece, because a small buffer may be a bomb.
		z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecodeBuffersBelow(0))
		if err != nil {
			return nil, err
		}
	}
	defer d.zstd.Put(z)
	if err := z.Reset(bytes.NewReader(body)); err != nil {
		return nil, err
	}
	if err := ticket.Reserve(admission.MinCharge); err != nil {
		return nil, err
	}
	return ReadAll(z, make([]byte, 0, minBuffer), limit, decompressed, ticket)
}

// unzstdWhole decodes a body into one buffer. While the body does not fit, it decodes the body again into a buffer
// four times as large, up to the limit. A window of any size needs no other memory than the buffer, and the ticket
// is charged for the buffer before the allocation.
func (d *Decoders) unzstdWhole(body []byte, limit int64, ticket *admission.Ticket) ([]byte, error) {
	z, _ := d.wideZstd.Get().(*zstd.Decoder)
	if z == nil {
		var err error
		z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecoderMaxMemory(math.MaxInt64),
			zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return nil, err
		}
	}
	defer d.wideZstd.Put(z)
	first := min(limit, max(4*int64(len(body)), admission.MinCharge))
	for charged, size := int64(0), first; ; size = min(4*size, limit) {
		// The block beyond the buffer makes the decoder enlarge the buffer by a quarter before it fails.
		cost := size + size/4 + zstdBlock
		if err := ticket.Reserve(cost - charged); err != nil {
			return nil, err
		}
		charged = cost
		text, err := z.DecodeAll(body, make([]byte, 0, size))
		// Within the last block the decoder may report the end of the buffer as an invalid block.
		full := errors.Is(err, zstd.ErrDecoderSizeExceeded) || err != nil && size-int64(len(text)) < zstdBlock
		switch {
		case !full:
			return text, err
		case size == limit:
			return nil, TooLarge(decompressed, limit)
		}
	}
}

const (
	maxZstdWindow = 1<<41 + 7<<38 // bytes: the maximum of the format
	zstdBlock     = 128 << 10     // bytes: the largest block
)

// framesEnd returns the number of bytes of the complete frames at the beginning of body. It decompresses nothing.
func framesEnd(body []byte) int {
	end := 0
	for {
		var h zstd.Header
		rest, err := h.DecodeAndStrip(body[end:])
		if err != nil {
			return end
		}
		size := int64(h.SkippableSize)
		if !h.Skippable {
			if size = blocksSize(rest); size < 0 {
				return end
			}
			if h.HasCheckSum {
				size += 4
			}
		}
		if size > int64(len(rest)) {
			return end
		}
		end = len(body) - len(rest) + int(size)
	}
}

// blocksSize returns the number of bytes of the blocks of a frame. It is negative if the blocks end too early.
func blocksSize(data []byte) int64 {
	const rle = 1
	for at := 0; at+3 <= len(data); {
		head := binary.LittleEndian.Uint32(append(data[at:at+3:at+3], 0))
		size := int(head >> 3)
		if head>>1&3 == rle {
			size = 1
		}
		at += 3 + size
		if last := head&1 == 1; last {
			return int64(at)
		}
	}
	return -1
}

// beginsFrame reports whether rest may be the beginning of a frame.
func beginsFrame(rest []byte) bool {
	const frame, skippable = "\x28\xb5\x2f\xfd", "\x2a\x4d\x18"
	if len(rest) > 4 {
		rest = rest[:4]
	}
	if len(rest) == 0 || bytes.HasPrefix([]byte(frame), rest) {
		return true
	}
	return rest[0]&0xf0 == 0x50 && bytes.HasPrefix([]byte(skippable), rest[1:])
}
