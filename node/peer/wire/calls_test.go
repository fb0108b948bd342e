package wire

import (
	"bytes"
	"encoding/hex"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"flowring/flow"
	"flowring/internal/trace"
	"flowring/node/peer/stream"
)

func TestAsksAndRepliesAreReadAsWritten(t *testing.T) {
	for _, want := range []Ask{
		{Kind: KindApply, Batches: [][]byte{[]byte("one")}},
		{Kind: KindAdmitChecked, Wait: 4 * time.Second, Roster: "hash", Cluster: "c", Batches: [][]byte{[]byte("one"), []byte("three")}},
		{Kind: KindCheck, Wait: math.MaxUint32 * time.Millisecond, Roster: "hash"},
		{Kind: KindApply, Requests: bytes.Repeat([]byte{7}, 64*16), Batches: [][]byte{[]byte("one")}},
	} {
		body := want.Append(nil)
		got, err := ParseAsk(want.FrameKind(), body)
		if err != nil || len(body) != want.Size() || !reflect.DeepEqual(got, want) {
			t.Errorf("%d bytes: %+v, %v, want %d bytes: %+v", len(body), got, err, want.Size(), want)
		}
	}
	for _, want := range []Reply{
		{Store: []byte("s"), Roster: []byte{}, Refusal: []byte{}},
		{Outcome: Replayed, Store: []byte("s"), Roster: []byte("{}"), Refusal: []byte{}},
		{Outcome: Refused, Store: []byte{}, Roster: []byte("{}"), Refusal: []byte(`{"code":"busy"}`)},
	} {
		body := want.Append(nil)
		got, err := ParseReply(body)
		if err != nil || len(body) != want.Size() || !reflect.DeepEqual(got, want) {
			t.Errorf("%d bytes: %+v, %v, want %d bytes: %+v", len(body), got, err, want.Size(), want)
		}
	}
}

// The longest wait of a frame stands for all longer ones.
func TestLongTimesAreCutOff(t *testing.T) {
	for _, tt := range []struct{ wait, want time.Duration }{
		{math.MaxInt64, math.MaxUint32 * time.Millisecond}, {-time.Second, 0}, {1500 * time.Microsecond, time.Millisecond},
	} {
		a := Ask{Kind: KindAdmit, Wait: tt.wait}
		if got, err := ParseAsk(KindAdmit, a.Append(nil)); err != nil || got.Wait != tt.want {
			t.Errorf("a wait of %v arrives as %v, %v, want %v", tt.wait, got.Wait, err, tt.want)
		}
	}
}

func TestBodiesThatAreCutShort(t *testing.T) {
	a := Ask{Kind: KindAdmit, Roster: "r", Cluster: "c", Batches: [][]byte{[]byte("b")}}
	whole := a.Append(nil)
	complete := map[int]bool{len(whole) - 5: true} // without its batch
	for n := range len(whole) {
		if got, err := ParseAsk(KindAdmit, whole[:n]); (err == nil) != complete[n] {
			t.Errorf("an ask of %d bytes is %+v, %v", n, got, err)
		}
	}
	a.Requests = bytes.Repeat([]byte{7}, 16)
	whole = a.Append(nil)
	for n := range len(whole) {
		if got, err := ParseAsk(a.FrameKind(), whole[:n]); (err == nil) != (n == len(whole)-5) {
			t.Errorf("an ask with a request, of %d bytes, is %+v, %v", n, got, err)
		}
	}
	for _, wrong := range [][]byte{nil, make([]byte, 16), bytes.Repeat([]byte{7}, 17), bytes.Repeat([]byte{7}, 65*16)} {
		body := appendPiece((&Ask{}).Append(nil), wrong)
		if got, err := ParseAsk(KindApply|traced, body); err == nil {
			t.Errorf("%d bytes are taken for IDs of requests: %+v", len(wrong), got)
		}
	}
	r := Reply{Store: []byte("s"), Refusal: []byte("x")}
	answer := r.Append(nil)
	for n := range len(answer) {
		if got, err := ParseReply(answer[:n]); err == nil {
			t.Errorf("an answer of %d of %d bytes is %+v, want an error", n, len(answer), got)
		}
	}
	if got, err := ParseReply(append(answer, 0)); err == nil {
		t.Errorf("an answer with a byte too many is %+v, want an error", got)
	}
}

// The bytes of a call never change, because nodes of two versions share a cluster during an upgrade.
func TestBodiesHaveFixedBytes(t *testing.T) {
	a := Ask{
		Kind: KindAdmitChecked, Wait: 4 * time.Second, Roster: "r1", Cluster: "c", Posting: flow.ID{1, 2}, Batches: [][]byte{[]byte("ab"), {}},
	}
	withRequest := Ask{Kind: KindApply, Requests: trace.IDs{15: 9}, Batches: [][]byte{[]byte("ab")}}
	r := Reply{Outcome: Refused, Store: []byte("s"), Roster: []byte("{}"), Refusal: []byte("no")}
	for _, tt := range []struct {
		name string
		body []byte
		want string
	}{
		{"an ask", a.Append(nil), "00000fa0" + "00000002" + "7231" + "00000001" + "63" +
			"00000010" + "01020000000000000000000000000000" + "00000002" + "6162" + "00000000"},
		{"an ask without anything", (&Ask{}).Append(nil), "00000000" + "00000000" + "00000000" + "00000000"},
		{"an ask with a request", append([]byte{byte(withRequest.FrameKind())}, withRequest.Append(nil)...), "84" +
			"00000000" + "00000000" + "00000000" + "00000000" +
			"00000010" + "00000000000000000000000000000009" + "00000002" + "6162"},
		{"a reply", r.Append(nil), "02" + "00000001" + "73" + "00000002" + "7b7d" + "00000002" + "6e6f"},
	} {
		if got := hex.EncodeToString(tt.body); got != tt.want {
			t.Errorf("%s is %s, want %s", tt.name, got, tt.want)
		}
	}
	kinds := []stream.Kind{KindAdmit, KindAdmitChecked, KindCheck, KindApply, KindAdmitByKey, KindUnderWay, KindHeld, KindAdmitKnownByKey}
	if want := []stream.Kind{1, 2, 3, 4, 7, 8, 9, 10}; !slices.Equal(kinds, want) {
		t.Errorf("the kinds of calls are %v, want %v", kinds, want)
	}
}

func FuzzParseAsk(f *testing.F) {
	a := Ask{Kind: KindAdmit, Wait: time.Second, Roster: "hash", Cluster: "c", Batches: [][]byte{[]byte("one"), nil}}
	f.Add(byte(KindAdmit), a.Append(nil))
	a.Posting = flow.ID{1}
	f.Add(byte(KindAdmit), a.Append(nil))
	a.Requests = trace.IDs{15: 9}
	f.Add(byte(a.FrameKind()), a.Append(nil))
	f.Add(byte(KindApply|traced), []byte{0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, kind byte, rest []byte) {
		a, err := ParseAsk(stream.Kind(kind), rest)
		if err != nil {
			return
		}
		if again := a.Append(nil); !bytes.Equal(again, rest) || a.FrameKind() != stream.Kind(kind) {
			t.Errorf("kind %d with %x, written again, is kind %d with %x", kind, rest, a.FrameKind(), again)
		}
		a.Written()
	})
}

func FuzzParseReply(f *testing.F) {
	r := Reply{Outcome: Refused, Store: []byte("s"), Roster: []byte("{}"), Refusal: []byte(`{"code":"busy"}`)}
	f.Add(r.Append(nil))
	f.Add([]byte{3})
	f.Fuzz(func(t *testing.T, rest []byte) {
		r, err := ParseReply(rest)
		if err != nil {
			return
		}
		if again := r.Append(nil); !bytes.Equal(again, rest) {
			t.Errorf("%x, written again, is %x", rest, again)
		}
	})
}
