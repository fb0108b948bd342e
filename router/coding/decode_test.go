package coding

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"flowring/internal/contract"
	"flowring/router/admission"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func compressor(c Coding, w io.Writer, o ...zstd.EOption) io.WriteCloser {
	switch c {
	case Gzip:
		return gzip.NewWriter(w)
	case Deflate:
		return zlib.NewWriter(w)
	}
	z, _ := zstd.NewWriter(w, append(o, zstd.WithEncoderConcurrency(1))...)
	return z
}

// longText returns n bytes that do not compress to much less than half.
func longText(n int) string {
	rng := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, n)
	for i := range text {
		text[i] = "0123456789abcdef"[rng.IntN(16)]
	}
	return string(text)
}

// ticketOf returns a ticket of a controller that admits so many bytes.
func ticketOf(limit int64) *admission.Ticket {
	ticket, _ := admission.New(admission.Config{MaxPosts: 10, MaxBytes: limit, MaxActive: 1}).Enter(netip.Addr{}, -1)
	return ticket
}

// refusedAs reports whether err is one of the refusals.
func refusedAs(err error, refusals ...contract.Refusal) bool {
	r, _, ok := contract.RefusalOf(err)
	return ok && slices.Contains(refusals, r)
}

// wideZstd compresses text. The frame announces a window of so many bytes.
func wideZstd(text string, window int) []byte {
	var body bytes.Buffer
	z := compressor(Zstd, &body, zstd.WithWindowSize(window)).(*zstd.Encoder)
	io.WriteString(z, text[:1])
	z.Flush() // or the window would be the body
	io.WriteString(z, text[1:])
	z.Close()
	return body.Bytes()
}

// The decompressed body has a limit (P16). A window of any size is accepted for a body within the limit.
func TestAZstdWindowOfAnySizeIsAccepted(t *testing.T) {
	const limit = 12 << 20
	spaces := func(n int) string { return "[" + strings.Repeat(" ", n-2) + "]" }
	for _, tt := range []struct {
		name string
		body []byte
		want int // status of the refusal; 200: none
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
		var d Decoders
		for range 2 { // the second time with a pooled decoder
			status := 200
			_, err := d.Decompress(Zstd, tt.body, limit, ticketOf(1<<30))
			if r, _, refused := contract.RefusalOf(err); refused {
				status = r.Status()
			}
			if status != tt.want || (err == nil) != (tt.want == 200) {
				t.Errorf("zstd with a window: %s = %d, %v, want %d", tt.name, status, err, tt.want)
			}
		}
	}
}

// zstdOf compresses text in one segment. The frame announces the size of the text, and no window.
func zstdOf(text string) []byte {
	z, _ := zstd.NewWriter(nil, zstd.WithSingleSegment(true), zstd.WithEncoderConcurrency(1))
	return z.EncodeAll([]byte(text), nil)
}

// withWindow changes the window that a frame announces.
func withWindow(frame []byte, descriptor byte) []byte {
	frame[5] = descriptor
	return frame
}

// The buffer for a wide window is charged against the memory of all POSTs before it is allocated.
func TestAWideZstdWindowIsChargedFor(t *testing.T) {
	var d Decoders
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

// zeros yields zeros without end and counts them.
type zeros struct{ n int64 }

func (z *zeros) Read(p []byte) (int, error) {
	clear(p)
	z.n += int64(len(p))
	return len(p), nil
}

func TestReadingStopsAtTheLimit(t *testing.T) {
	src := &zeros{}
	c := admission.New(admission.Config{MaxPosts: 10, MaxBytes: 1 << 30, MaxActive: 1})
	ticket, _ := c.Enter(netip.Addr{}, -1)
	_, err := ReadAll(src, make([]byte, 0, minBuffer), 1<<20, "it", ticket)
	if !refusedAs(err, contract.TooLarge) {
		t.Errorf("readAll of a body without end: %v, want too large", err)
	}
	if src.n > 1<<20+1 {
		t.Errorf("readAll took %d bytes, want one over the limit at most", src.n)
	}
	if c.Stats().Bytes > 1<<20+1 {
		t.Errorf("readAll held %d bytes, want one over the limit at most", c.Stats().Bytes)
	}
}

// FuzzDecompress decodes bytes of a hostile sender. Then it compresses them twice, decodes the two parts, and
// decodes them again with another byte behind them.
func FuzzDecompress(f *testing.F) {
	for _, seed := range []string{"", "[]", "\x1f\x8b", "\x28\xb5\x2f\xfd", "\x50\x2a\x4d\x18\x01\x00\x00\x00x", string(wideZstd("[]", 2*zstdWindow))} {
		f.Add([]byte(seed))
	}
	const limit = 1 << 20
	f.Fuzz(func(t *testing.T, data []byte) {
		var d Decoders
		for _, c := range []Coding{Gzip, Zstd, Deflate} {
			text, err := d.Decompress(c, data, limit, ticketOf(1<<30))
			if known := err == nil || refusedAs(err, contract.Body, contract.TooLarge); !known || err == nil && len(text) > limit {
				t.Errorf("decompress as %s = %d bytes, %v", c, len(text), err)
			}
			var parts bytes.Buffer
			n := 2
			if c == Deflate {
				n = 1 // the format has no parts
			}
			for range n {
				z := compressor(c, &parts)
				z.Write(data)
				z.Close()
			}
			whole := parts.Len()
			text, err = d.Decompress(c, parts.Bytes(), limit, ticketOf(1<<30))
			if want := bytes.Repeat(data, n); err != nil || !bytes.Equal(text, want) {
				t.Errorf("decompress as %s = %d bytes, %v, want %d", c, len(text), err, len(want))
			}
			parts.WriteByte('x')
			if _, err = d.Decompress(c, parts.Bytes(), limit, ticketOf(1<<30)); !errors.As(err, new(*trailingError)) {
				t.Errorf("decompress as %s with another byte behind it: %v, want a trailingError", c, err)
			}
			if end := framesEnd(parts.Bytes()); c == Zstd && end != whole {
				t.Errorf("framesEnd = %d, want %d", end, whole)
			}
		}
	})
}
