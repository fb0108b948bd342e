package wire

import (
	"bytes"
	"reflect"
	"testing"

	"flowring/flow"
	"flowring/flow/query"
	"flowring/internal/contract"
	"flowring/store/digest"
)

func exampleDigests() Digests {
	return Digests{Doubtful: true, Slices: []SliceDigest{
		{Slice: flow.Slice{Hour: -3}, Digest: digest.Of(flow.Dot{Origin: 7, Seq: 1}, flow.Dot{Origin: 7, Seq: 2})},
		{Slice: flow.Slice{Hour: 5, Index: 2}, TakingOver: true},
		{Slice: flow.Slice{Hour: 5, Index: 300}, Digest: digest.Of(flow.Dot{Origin: 1, Seq: 9}), Doubtful: true},
	}}
}

func exampleCall() QueryCall {
	return QueryCall{
		Spec: &query.Spec{From: -4, To: 6, Group: query.DefaultFields, Top: 3},
		Slices: []QuerySlice{
			{Slice: flow.Slice{Hour: -3}, Settled: true, Sum: [16]byte{1, 2, 3}},
			{Slice: flow.Slice{Hour: 5, Index: 2}},
		},
	}
}

func exampleHead() QueryHead {
	return QueryHead{
		Slices: []AnsweredSlice{
			{Slice: flow.Slice{Hour: -3}, Completeness: contract.Complete, Sum: [16]byte{1}, Flows: 1 << 40},
			{Slice: flow.Slice{Hour: 5}, Completeness: contract.Partial},
		},
		Silent: []string{"n1", "n2 (store 12345678)"},
	}
}

func TestBodiesOfQueriesAreReadAsWritten(t *testing.T) {
	for _, want := range []Digests{{}, exampleDigests()} {
		if got, err := ParseDigests(want.Append(nil)); err != nil || !sameDigests(got, want) {
			t.Errorf("ParseDigests = %+v, %v, want %+v", got, err, want)
		}
	}
	call := exampleCall()
	if got, err := ParseQueryCall(call.Append(nil)); err != nil || !reflect.DeepEqual(got, call) {
		t.Errorf("ParseQueryCall = %+v, %v, want %+v", got, err, call)
	}
	for _, want := range []QueryHead{{}, exampleHead()} {
		if got, err := ParseQueryHead(want.Append(nil)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("ParseQueryHead = %+v, %v, want %+v", got, err, want)
		}
	}
}

func sameDigests(a, b Digests) bool {
	return bytes.Equal(a.Append(nil), b.Append(nil))
}

// A slice out of order, an unknown flag or a cut is an error.
func TestBodiesOfQueriesAreStrict(t *testing.T) {
	disordered := exampleDigests()
	disordered.Slices[0], disordered.Slices[1] = disordered.Slices[1], disordered.Slices[0]
	twice := exampleCall()
	twice.Slices[1] = twice.Slices[0]
	for name, err := range map[string]error{
		"slices out of order": failure(ParseDigests(disordered.Append(nil))),
		"an unknown flag":     failure(ParseDigests([]byte{0x80})),
		"a slice twice":       failure(ParseQueryCall(twice.Append(nil))),
		"a completeness of 3": failure(ParseQueryHead(append(appendSlice(nil, flow.Slice{}), append(make([]byte, 17), 3)...))),
	} {
		if err == nil {
			t.Errorf("%s is no error", name)
		}
	}
	call := exampleCall()
	whole := call.Append(nil)
	ends := map[int]bool{} // where a slice ends
	for n := range call.Slices {
		part := QueryCall{call.Spec, call.Slices[:n]}
		ends[len(part.Append(nil))] = true
	}
	for n := range whole {
		if _, err := ParseQueryCall(whole[:n]); (err == nil) != ends[n] {
			t.Errorf("a call of %d of %d bytes: %v", n, len(whole), err)
		}
	}
}

func failure[T any](_ T, err error) error { return err }

func FuzzParseDigests(f *testing.F) {
	d := exampleDigests()
	f.Add(d.Append(nil))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := ParseDigests(body)
		if err != nil {
			return
		}
		if again := d.Append(nil); !bytes.Equal(again, body) {
			t.Errorf("%x, written again, is %x", body, again)
		}
	})
}

func FuzzParseQueryCall(f *testing.F) {
	c := exampleCall()
	f.Add(c.Append(nil))
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := ParseQueryCall(body)
		if err != nil {
			return
		}
		if again := c.Append(nil); !bytes.Equal(again, body) {
			t.Errorf("%x, written again, is %x", body, again)
		}
	})
}

func FuzzParseQueryHead(f *testing.F) {
	h := exampleHead()
	f.Add(h.Append(nil))
	f.Fuzz(func(t *testing.T, body []byte) {
		h, err := ParseQueryHead(body)
		if err != nil {
			return
		}
		if again := h.Append(nil); !bytes.Equal(again, body) {
			t.Errorf("%x, written again, is %x", body, again)
		}
	})
}
