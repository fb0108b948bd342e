package peer

import (
	"bufio"
	"bytes"
	"io"
	"math"
	"reflect"
	"testing"
	"time"

	"flowring/flow"
)

func TestAsksAndRepliesAreReadAsWritten(t *testing.T) {
	for _, want := range []ask{
		{kind: kindApply, batches: [][]byte{[]byte("one")}},
		{kind: kindAdmitChecked, wait: 4 * time.Second, roster: "hash", cluster: "c", batches: [][]byte{[]byte("one"), []byte("three")}},
		{kind: kindCheck, wait: math.MaxUint32 * time.Millisecond, roster: "hash"},
	} {
		h, rest := frameOf(t, want.append(nil, 7))
		got, err := parseAsk(h.kind, rest)
		if err != nil || h.call != 7 || h.size != want.size() || !reflect.DeepEqual(got, want) {
			t.Errorf("call %d: %+v, %v, want call 7: %+v", h.call, got, err, want)
		}
	}
	for _, want := range []reply{
		{store: []byte("s"), roster: []byte{}, refusal: []byte{}},
		{outcome: outcomeReplayed, store: []byte("s"), roster: []byte("{}"), refusal: []byte{}},
		{outcome: outcomeRefused, store: []byte{}, roster: []byte("{}"), refusal: []byte(`{"code":"busy"}`)},
	} {
		h, rest := frameOf(t, want.append(nil, math.MaxUint64))
		got, err := parseReply(rest)
		if err != nil || h.kind != kindAnswer || h.call != math.MaxUint64 || !reflect.DeepEqual(got, want) {
			t.Errorf("call %d: %+v, %v, want %+v", h.call, got, err, want)
		}
	}
}

// frameOf reads the only frame of data.
func frameOf(t *testing.T, data []byte) (frameHead, []byte) {
	t.Helper()
	in := bufio.NewReader(bytes.NewReader(data))
	h, err := readHead(in)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := readRest(in, h.size, nil)
	if _, end := in.Peek(1); err != nil || end != io.EOF {
		t.Fatalf("frame %x: %v, then %v, want nothing more", data, err, end)
	}
	return h, rest
}

// A time that is longer than a frame can say is said as the longest.
func TestLongTimesAreCutOff(t *testing.T) {
	for _, tt := range []struct{ wait, want time.Duration }{
		{math.MaxInt64, math.MaxUint32 * time.Millisecond}, {-time.Second, 0}, {1500 * time.Microsecond, time.Millisecond},
	} {
		a := ask{kind: kindAdmit, wait: tt.wait}
		_, rest := frameOf(t, a.append(nil, 1))
		if got, err := parseAsk(kindAdmit, rest); err != nil || got.wait != tt.want {
			t.Errorf("a wait of %v arrives as %v, %v, want %v", tt.wait, got.wait, err, tt.want)
		}
	}
}

func TestFramesThatAreCutShort(t *testing.T) {
	a := ask{kind: kindAdmit, roster: "r", cluster: "c", batches: [][]byte{[]byte("b")}}
	whole := a.append(nil, 1)
	complete := map[int]bool{len(whole) - 5: true} // without its batch
	for n := range len(whole) {
		in := bufio.NewReader(bytes.NewReader(whole[:n]))
		h, err := readHead(in)
		if want := io.ErrUnexpectedEOF; n > 0 && n < frameStart && err != want || n == 0 && err != io.EOF {
			t.Errorf("the head of %d bytes: %v", n, err)
		}
		if n < frameStart {
			continue
		}
		if _, err := readRest(in, h.size, nil); err != io.ErrUnexpectedEOF {
			t.Errorf("the rest of a frame of which %d bytes came: %v, want %v", n, err, io.ErrUnexpectedEOF)
		}
		if got, err := parseAsk(kindAdmit, whole[frameStart:n]); (err == nil) != complete[n] {
			t.Errorf("an ask of %d bytes is %+v, %v", n-frameStart, got, err)
		}
	}
	r := reply{store: []byte("s"), refusal: []byte("x")}
	answer := r.append(nil, 1)[frameStart:]
	for n := range len(answer) {
		if got, err := parseReply(answer[:n]); err == nil {
			t.Errorf("an answer of %d of %d bytes is %+v, want an error", n, len(answer), got)
		}
	}
	if got, err := parseReply(append(answer, 0)); err == nil {
		t.Errorf("an answer with a byte too many is %+v, want an error", got)
	}
}

// A length costs no memory by itself (P16).
func TestLengthsOfAsksAreNotBelieved(t *testing.T) {
	allocated := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			readRest(bufio.NewReader(bytes.NewReader([]byte("x"))), maxAsk, nil)
		}
	}).AllocedBytesPerOp()
	if allocated > 4<<20 {
		t.Errorf("a frame that claims 256 MiB and has one byte takes %d bytes, want at most 4 MiB", allocated)
	}
}

func FuzzParseAsk(f *testing.F) {
	a := ask{kind: kindAdmit, wait: time.Second, roster: "hash", cluster: "c", batches: [][]byte{[]byte("one"), nil}}
	f.Add(a.append(nil, 1)[frameStart:])
	a.posting = flow.ID{1}
	f.Add(a.append(nil, 1)[frameStart:])
	f.Add([]byte{0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, rest []byte) {
		a, err := parseAsk(kindAdmit, rest)
		if err != nil {
			return
		}
		if again := a.append(nil, 1)[frameStart:]; !bytes.Equal(again, rest) {
			t.Errorf("%x, written again, is %x", rest, again)
		}
		a.written()
	})
}

func FuzzParseReply(f *testing.F) {
	r := reply{outcome: outcomeRefused, store: []byte("s"), roster: []byte("{}"), refusal: []byte(`{"code":"busy"}`)}
	f.Add(r.append(nil, 1)[frameStart:])
	f.Add([]byte{3})
	f.Fuzz(func(t *testing.T, rest []byte) {
		r, err := parseReply(rest)
		if err != nil {
			return
		}
		if again := r.append(nil, 1)[frameStart:]; !bytes.Equal(again, rest) {
			t.Errorf("%x, written again, is %x", rest, again)
		}
		if parseRefusal(r.refusal) == nil {
			t.Errorf("%q is no refusal and no error", r.refusal)
		}
	})
}
