package wire

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// framesOf returns the frames of the batches, ended or not.
func framesOf(t testing.TB, ended bool, batches ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	for _, b := range batches {
		if err := WriteFrame(&buf, []byte(b)); err != nil {
			t.Fatal(err)
		}
	}
	if ended {
		WriteFrame(&buf, nil)
	}
	return buf.Bytes()
}

func TestFrames(t *testing.T) {
	whole := framesOf(t, true, "one", "three")
	for _, tt := range []struct {
		name string
		data []byte
		want []string // whole batches
		err  error    // nil: none
	}{
		{"an empty stream", framesOf(t, true), nil, nil},
		{"two batches", whole, []string{"one", "three"}, nil},
		{"what follows the end is not read", append(slices.Clone(whole), "more"...), []string{"one", "three"}, nil},
		{"nothing at all is cut short", nil, nil, io.ErrUnexpectedEOF},
		{"no end is cut short", framesOf(t, false, "one"), []string{"one"}, io.ErrUnexpectedEOF},
		{"half a length is cut short", whole[:2], nil, io.ErrUnexpectedEOF},
		{"half a batch is cut short", whole[:4+2], nil, io.ErrUnexpectedEOF},
		{"a length without a batch is cut short", whole[:4], nil, io.ErrUnexpectedEOF},
		{"the second batch is cut short", whole[:len(whole)-4-1], []string{"one"}, io.ErrUnexpectedEOF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			err := ReadFrames(bytes.NewReader(tt.data), nil, func(b []byte) error { got = append(got, string(b)); return nil })
			if !slices.Equal(got, tt.want) || !errors.Is(err, tt.err) {
				t.Errorf("ReadFrames(%q) = %q, %v, want %q, %v", tt.data, got, err, tt.want, tt.err)
			}
		})
	}
}

// A length costs no memory by itself, and one over the limit is refused before anything is read (P16).
func TestFrameLengthsAreNotBelieved(t *testing.T) {
	never := func([]byte) error { t.Error("a batch that is not there"); return nil }
	if err := ReadFrames(bytes.NewReader([]byte{0x10, 0, 0, 1}), nil, never); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("ReadFrames(frame of 2^28+1 bytes) = %v, want a refusal", err)
	}
	allocated := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			ReadFrames(bytes.NewReader([]byte{0x10, 0, 0, 0, 'x'}), nil, never)
		}
	}).AllocedBytesPerOp()
	if allocated > 4<<20 {
		t.Errorf("a frame that claims 256 MiB and has one byte takes %d bytes, want at most 4 MiB", allocated)
	}
}

func TestFrameReaderStopsAtTheFirstError(t *testing.T) {
	stop, calls := errors.New("stop"), 0
	err := ReadFrames(bytes.NewReader(framesOf(t, true, "one", "two")), nil, func([]byte) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("ReadFrames = %v after %d batches, want stop after 1", err, calls)
	}
}

func FuzzReadFrames(f *testing.F) {
	f.Add(framesOf(f, true, "one", "two"))
	f.Add(framesOf(f, false, "one"))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		var again bytes.Buffer
		err := ReadFrames(bytes.NewReader(data), nil, func(b []byte) error { return WriteFrame(&again, b) })
		if err == nil {
			WriteFrame(&again, nil)
		}
		if !bytes.HasPrefix(data, again.Bytes()) {
			t.Errorf("batches of %x, written again, are %x", data, again.Bytes())
		}
	})
}
