package peer

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"flowring/flow"
	"flowring/ring/roster"
)

func TestSlicesHaveOneSpelling(t *testing.T) {
	for _, s := range []flow.Slice{{}, {Hour: 7}, {Hour: -1, Index: 3}, {Hour: math.MinInt64, Index: math.MaxUint32}, {Hour: math.MaxInt64}} {
		got, err := parseSlice(formatSlice(s))
		if err != nil || got != s {
			t.Errorf("parseSlice(formatSlice(%v)) = %v, %v, want it back", s, got, err)
		}
	}
	for _, text := range []string{"", "7", "7/", "/1", "x/1", "7/x", "7/-1", "7/4294967296", "9223372036854775808/0", "7/1/2", "7/1 "} {
		if got, err := parseSlice(text); err == nil {
			t.Errorf("parseSlice(%q) = %v, want an error", text, got)
		}
	}
}

func TestStoresHaveOneSpelling(t *testing.T) {
	for _, established := range []bool{true, false} {
		s := roster.Store{ID: roster.NewStoreID(), Name: "node-1.example_x", Established: established}
		got, err := parseStore(formatStore(s))
		if err != nil || got != s {
			t.Errorf("parseStore(formatStore(%v)) = %v, %v, want it back", s, got, err)
		}
	}
	id := string(roster.NewStoreID())
	for _, text := range []string{"", id, id + " a", id + " a maybe", "xyz a true", strings.ToUpper(id[:31]) + "G a true"} {
		if got, err := parseStore(text); err == nil {
			t.Errorf("parseStore(%q) = %v, want an error", text, got)
		}
	}
}

// framesOf returns the frames of the batches, ended or not.
func framesOf(t testing.TB, ended bool, batches ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	for _, b := range batches {
		if err := writeFrame(&buf, []byte(b)); err != nil {
			t.Fatal(err)
		}
	}
	if ended {
		writeFrame(&buf, nil)
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
			err := readFrames(bytes.NewReader(tt.data), nil, func(b []byte) error { got = append(got, string(b)); return nil })
			if !slices.Equal(got, tt.want) || !errors.Is(err, tt.err) {
				t.Errorf("readFrames(%q) = %q, %v, want %q, %v", tt.data, got, err, tt.want, tt.err)
			}
		})
	}
}

// A length costs no memory by itself, and one over the limit is refused before anything is read (P16).
func TestFrameLengthsAreNotBelieved(t *testing.T) {
	never := func([]byte) error { t.Error("a batch that is not there"); return nil }
	if err := readFrames(bytes.NewReader([]byte{0x10, 0, 0, 1}), nil, never); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("readFrames(frame of 2^28+1 bytes) = %v, want a refusal", err)
	}
	allocated := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			readFrames(bytes.NewReader([]byte{0x10, 0, 0, 0, 'x'}), nil, never)
		}
	}).AllocedBytesPerOp()
	if allocated > 4<<20 {
		t.Errorf("a frame that claims 256 MiB and has one byte takes %d bytes, want at most 4 MiB", allocated)
	}
}

func TestFrameReaderStopsAtTheFirstError(t *testing.T) {
	stop, calls := errors.New("stop"), 0
	err := readFrames(bytes.NewReader(framesOf(t, true, "one", "two")), nil, func([]byte) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("readFrames = %v after %d batches, want stop after 1", err, calls)
	}
}

func FuzzReadFrames(f *testing.F) {
	f.Add(framesOf(f, true, "one", "two"))
	f.Add(framesOf(f, false, "one"))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		var again bytes.Buffer
		err := readFrames(bytes.NewReader(data), nil, func(b []byte) error { return writeFrame(&again, b) })
		if err == nil {
			writeFrame(&again, nil)
		}
		if !bytes.HasPrefix(data, again.Bytes()) {
			t.Errorf("batches of %x, written again, are %x", data, again.Bytes())
		}
	})
}

func FuzzParseSlice(f *testing.F) {
	f.Add("7/0")
	f.Add("-9223372036854775808/4294967295")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSlice(text)
		if err != nil {
			return
		}
		if again, err := parseSlice(formatSlice(s)); err != nil || again != s {
			t.Errorf("parseSlice(%q) = %v, but %q is parsed as %v, %v", text, s, formatSlice(s), again, err)
		}
	})
}

func FuzzParseStore(f *testing.F) {
	f.Add(formatStore(roster.Store{ID: roster.NewStoreID(), Name: "a", Established: true}))
	f.Add("x y z")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseStore(text)
		if err != nil {
			return
		}
		if again, err := parseStore(formatStore(s)); err != nil || again != s {
			t.Errorf("parseStore(%q) = %v, but %q is parsed as %v, %v", text, s, formatStore(s), again, err)
		}
	})
}

func FuzzParseSummary(f *testing.F) {
	f.Add([]byte("7/0 00112233445566778899aabbccddeeff\n"))
	f.Add([]byte("7/0 " + strings.Repeat("0", 34) + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		sums, err := parseSummary(text)
		if err != nil {
			return
		}
		var again bytes.Buffer
		for s, sum := range sums {
			writeSum(&again, s, sum)
		}
		if got, err := parseSummary(again.Bytes()); err != nil || !maps.Equal(got, sums) {
			t.Errorf("parseSummary(%q) = %v, but written again it is %v, %v", text, sums, got, err)
		}
	})
}
