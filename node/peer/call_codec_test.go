package peer

import (
	"bytes"
	"encoding/hex"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"flowring/flow"
	"flowring/node/peer/stream"
)

func TestAsksAndRepliesAreReadAsWritten(t *testing.T) {
	for _, want := range []ask{
		{kind: kindApply, batches: [][]byte{[]byte("one")}},
		{kind: kindAdmitChecked, wait: 4 * time.Second, roster: "hash", cluster: "c", batches: [][]byte{[]byte("one"), []byte("three")}},
		{kind: kindCheck, wait: math.MaxUint32 * time.Millisecond, roster: "hash"},
	} {
		body := want.append(nil)
		got, err := parseAsk(want.kind, body)
		if err != nil || len(body) != want.size() || !reflect.DeepEqual(got, want) {
			t.Errorf("%d bytes: %+v, %v, want %d bytes: %+v", len(body), got, err, want.size(), want)
		}
	}
	for _, want := range []reply{
		{store: []byte("s"), roster: []byte{}, refusal: []byte{}},
		{outcome: outcomeReplayed, store: []byte("s"), roster: []byte("{}"), refusal: []byte{}},
		{outcome: outcomeRefused, store: []byte{}, roster: []byte("{}"), refusal: []byte(`{"code":"busy"}`)},
	} {
		body := want.append(nil)
		got, err := parseReply(body)
		if err != nil || len(body) != want.size() || !reflect.DeepEqual(got, want) {
			t.Errorf("%d bytes: %+v, %v, want %d bytes: %+v", len(body), got, err, want.size(), want)
		}
	}
}

// A time that is longer than a frame can say is said as the longest.
func TestLongTimesAreCutOff(t *testing.T) {
	for _, tt := range []struct{ wait, want time.Duration }{
		{math.MaxInt64, math.MaxUint32 * time.Millisecond}, {-time.Second, 0}, {1500 * time.Microsecond, time.Millisecond},
	} {
		a := ask{kind: kindAdmit, wait: tt.wait}
		if got, err := parseAsk(kindAdmit, a.append(nil)); err != nil || got.wait != tt.want {
			t.Errorf("a wait of %v arrives as %v, %v, want %v", tt.wait, got.wait, err, tt.want)
		}
	}
}

func TestBodiesThatAreCutShort(t *testing.T) {
	a := ask{kind: kindAdmit, roster: "r", cluster: "c", batches: [][]byte{[]byte("b")}}
	whole := a.append(nil)
	complete := map[int]bool{len(whole) - 5: true} // without its batch
	for n := range len(whole) {
		if got, err := parseAsk(kindAdmit, whole[:n]); (err == nil) != complete[n] {
			t.Errorf("an ask of %d bytes is %+v, %v", n, got, err)
		}
	}
	r := reply{store: []byte("s"), refusal: []byte("x")}
	answer := r.append(nil)
	for n := range len(answer) {
		if got, err := parseReply(answer[:n]); err == nil {
			t.Errorf("an answer of %d of %d bytes is %+v, want an error", n, len(answer), got)
		}
	}
	if got, err := parseReply(append(answer, 0)); err == nil {
		t.Errorf("an answer with a byte too many is %+v, want an error", got)
	}
}

// Nodes of two versions share a cluster during an upgrade, so that the bytes of a call never change.
func TestBodiesHaveFixedBytes(t *testing.T) {
	a := ask{
		kind: kindAdmitChecked, wait: 4 * time.Second, roster: "r1", cluster: "c", posting: flow.ID{1, 2}, batches: [][]byte{[]byte("ab"), {}},
	}
	r := reply{outcome: outcomeRefused, store: []byte("s"), roster: []byte("{}"), refusal: []byte("no")}
	for _, tt := range []struct {
		name string
		body []byte
		want string
	}{
		{"an ask", a.append(nil), "00000fa0" + "00000002" + "7231" + "00000001" + "63" +
			"00000010" + "01020000000000000000000000000000" + "00000002" + "6162" + "00000000"},
		{"an ask without anything", (&ask{}).append(nil), "00000000" + "00000000" + "00000000" + "00000000"},
		{"a reply", r.append(nil), "02" + "00000001" + "73" + "00000002" + "7b7d" + "00000002" + "6e6f"},
	} {
		if got := hex.EncodeToString(tt.body); got != tt.want {
			t.Errorf("%s is %s, want %s", tt.name, got, tt.want)
		}
	}
	kinds := []stream.Kind{kindAdmit, kindAdmitChecked, kindCheck, kindApply}
	if want := []stream.Kind{1, 2, 3, 4}; !slices.Equal(kinds, want) {
		t.Errorf("the kinds of calls are %v, want %v", kinds, want)
	}
}

func FuzzParseAsk(f *testing.F) {
	a := ask{kind: kindAdmit, wait: time.Second, roster: "hash", cluster: "c", batches: [][]byte{[]byte("one"), nil}}
	f.Add(a.append(nil))
	a.posting = flow.ID{1}
	f.Add(a.append(nil))
	f.Add([]byte{0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, rest []byte) {
		a, err := parseAsk(kindAdmit, rest)
		if err != nil {
			return
		}
		if again := a.append(nil); !bytes.Equal(again, rest) {
			t.Errorf("%x, written again, is %x", rest, again)
		}
		a.written()
	})
}

func FuzzParseReply(f *testing.F) {
	r := reply{outcome: outcomeRefused, store: []byte("s"), roster: []byte("{}"), refusal: []byte(`{"code":"busy"}`)}
	f.Add(r.append(nil))
	f.Add([]byte{3})
	f.Fuzz(func(t *testing.T, rest []byte) {
		r, err := parseReply(rest)
		if err != nil {
			return
		}
		if again := r.append(nil); !bytes.Equal(again, rest) {
			t.Errorf("%x, written again, is %x", rest, again)
		}
		if parseRefusal(r.refusal) == nil {
			t.Errorf("%q is no refusal and no error", r.refusal)
		}
	})
}
