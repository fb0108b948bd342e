package stream

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"io"
	"math"
	"testing"
)

// The bytes of a frame never change, because nodes of two versions share a cluster during an upgrade.
func TestFramesHaveFixedBytes(t *testing.T) {
	for _, tt := range []struct {
		name  string
		frame []byte
		want  string
	}{
		{"a call", frame(1, 7, "abc"), "00000003" + "01" + "0000000000000007" + "616263"},
		{"an answer", frame(kindAnswer, math.MaxUint64, "x"), "00000001" + "05" + "ffffffffffffffff" + "78"},
		{"a farewell", appendHead(nil, head{kind: kindFarewell}), "00000000" + "06" + "0000000000000000"},
	} {
		if got := hex.EncodeToString(tt.frame); got != tt.want {
			t.Errorf("%s is %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestFramesThatAreCutShort(t *testing.T) {
	whole := frame(kindPlain, 1, "body")
	for n := range len(whole) {
		in := bufio.NewReader(bytes.NewReader(whole[:n]))
		h, err := readHead(in)
		if want := io.ErrUnexpectedEOF; n > 0 && n < headSize && err != want || n == 0 && err != io.EOF {
			t.Errorf("the head of a frame of %d bytes: %v", n, err)
		}
		if n < headSize {
			continue
		}
		if _, err := readBody(in, h.size, nil); err != io.ErrUnexpectedEOF {
			t.Errorf("the body of a frame cut after %d bytes: %v, want %v", n, err, io.ErrUnexpectedEOF)
		}
	}
	in := bufio.NewReader(bytes.NewReader(whole))
	if h, body, ok := readFrame(in); !ok || h != (head{kindPlain, 1, 4}) || body != "body" {
		t.Errorf("the whole frame is %v with %q, %t", h, body, ok)
	}
}

// A size costs no memory before the bytes arrive (P16).
func TestSizesOfFramesAreNotBelieved(t *testing.T) {
	allocated := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			readBody(bufio.NewReader(bytes.NewReader([]byte("x"))), 256<<20, nil)
		}
	}).AllocedBytesPerOp()
	if allocated > 4<<20 {
		t.Errorf("a frame that claims 256 MiB and has one byte takes %d bytes, want at most 4 MiB", allocated)
	}
}
