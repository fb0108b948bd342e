package router

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"flowring/internal/contract"
	"flowring/router/admission"
)

// wideZstd returns text compressed with a window of as many bytes, which the frame announces.
func wideZstd(text string, window int) []byte {
	var body bytes.Buffer
	z := compressor(zstded, &body, zstd.WithWindowSize(window)).(*zstd.Encoder)
	io.WriteString(z, text[:1])
	z.Flush() // or the window would be the body
	io.WriteString(z, text[1:])
	z.Close()
	return body.Bytes()
}

// What a body decompresses to is limited, and no window is too large for a body within the limit (P16).
func TestAZstdWindowOfAnySizeIsAccepted(t *testing.T) {
	const limit = 12 << 20
	spaces := func(n int) string { return "[" + strings.Repeat(" ", n-2) + "]" }
	for _, tt := range []struct {
		name   string
		body   []byte
		status int
	}{
		{"twice that of a stream", wideZstd("[]", 2*zstdWindow), 200},
		{"the largest of the encoder", wideZstd("[]", zstd.MaxWindowSize), 200},
		{"the largest of the format", withWindow(wideZstd("[]", zstd.MaxWindowSize), 0xff), 200},
		{"a large body", wideZstd(spaces(limit), 2*zstdWindow), 200},
		{"a body over the limit", wideZstd(spaces(limit+1), 2*zstdWindow), 413},
		{"in the second frame", append(wideZstd("[ ", zstdWindow), wideZstd(" ]", 2*zstdWindow)...), 200},
		{"one segment of more than a window", zstdOf(spaces(zstdWindow + 1)), 200},
		{"one segment over the limit", zstdOf(spaces(limit + 1)), 413},
		{"a segment that announces too much", append([]byte("\x28\xb5\x2f\xfd\xa0"), bytes.Repeat([]byte{0x7f}, 100)...), 413},
		{"other bytes behind it", append(wideZstd("[]", 2*zstdWindow), "\n"...), 400},
		{"cut short", wideZstd("["+longText(1<<20)+"]", 2*zstdWindow)[:1<<18], 400},
	} {
		h, reg := handlerFor(Config{MaxBody: limit}, newFake())
		for range 2 { // the second time with a pooled decoder
			if w := postTo(h, bytes.NewReader(tt.body), "Content-Encoding", "zstd"); w.Code != tt.status {
				t.Errorf("POST of zstd with a window: %s = %d %s, want %d", tt.name, w.Code, w.Body, tt.status)
			}
		}
		wantMetric(t, reg, "flowring_http_buffered_bytes", 0)
	}
}

// zstdOf compresses text in one segment, of which the frame announces the size and no window.
func zstdOf(text string) []byte {
	z, _ := zstd.NewWriter(nil, zstd.WithSingleSegment(true), zstd.WithEncoderConcurrency(1))
	return z.EncodeAll([]byte(text), nil)
}

// withWindow changes the window that a frame announces.
func withWindow(frame []byte, descriptor byte) []byte {
	frame[5] = descriptor
	return frame
}

// The buffer for a wide window counts against the memory of all POSTs before it is there.
func TestAWideZstdWindowIsChargedFor(t *testing.T) {
	var d codings
	text := longText(1 << 20)
	body := wideZstd(text, 2*zstdWindow)
	if _, err := d.unzstd(body, 4<<20, ticketOf(1<<20)); !refusedAs(err, contract.Overloaded) {
		t.Errorf("unzstd of 1 MiB with 1 MiB to hold: %v, want the node overloaded", err)
	}
	c := admission.New(admission.Config{MaxPosts: 10, MaxBytes: 64 << 20, MaxActive: 1})
	ticket, _ := c.Enter(netip.Addr{}, -1)
	got, err := d.unzstd(body, 4<<20, ticket)
	if err != nil || string(got) != text || c.Stats().Bytes < int64(cap(got)) {
		t.Errorf("unzstd = %d bytes of %d, %v, charged %d, want as many and charged for", len(got), cap(got), err, c.Stats().Bytes)
	}
}

// FuzzDecompress gives decoders what a sender chooses, first alone and then behind a body of two parts that is in order.
func FuzzDecompress(f *testing.F) {
	for _, seed := range []string{"", "[]", "\x1f\x8b", "\x28\xb5\x2f\xfd", "\x50\x2a\x4d\x18\x01\x00\x00\x00x", string(wideZstd("[]", 2*zstdWindow))} {
		f.Add([]byte(seed))
	}
	const limit = 1 << 20
	f.Fuzz(func(t *testing.T, data []byte) {
		var d codings
		for _, c := range []coding{gzipped, zstded, deflated} {
			text, err := d.decompress(c, data, limit, ticketOf(1<<30))
			if known := err == nil || refusedAs(err, contract.Body, contract.TooLarge); !known || err == nil && len(text) > limit {
				t.Errorf("decompress as %s = %d bytes, %v", c, len(text), err)
			}
			var parts bytes.Buffer
			n := 2
			if c == deflated {
				n = 1 // the format has no parts
			}
			for range n {
				z := compressor(c, &parts)
				z.Write(data)
				z.Close()
			}
			whole := parts.Len()
			text, err = d.decompress(c, parts.Bytes(), limit, ticketOf(1<<30))
			if want := bytes.Repeat(data, n); err != nil || !bytes.Equal(text, want) {
				t.Errorf("decompress as %s = %d bytes, %v, want %d", c, len(text), err, len(want))
			}
			parts.WriteByte('x')
			if _, err = d.decompress(c, parts.Bytes(), limit, ticketOf(1<<30)); !errors.As(err, new(*trailingError)) {
				t.Errorf("decompress as %s with another byte behind it: %v, want a trailingError", c, err)
			}
			if end := framesEnd(parts.Bytes()); c == zstded && end != whole {
				t.Errorf("framesEnd = %d, want %d", end, whole)
			}
		}
	})
}
