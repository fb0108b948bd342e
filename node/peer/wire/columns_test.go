package wire

import (
	"bytes"
	"math"
	"reflect"
	"slices"
	"testing"

	"flowring/flow"
)

// partsOf returns two parts with one table of names, and a third one with its own.
func partsOf() []*flow.Batch {
	s, names := flow.Slice{Hour: 3, Index: 1}, []string{"web", "", "db", "vpc"}
	return []*flow.Batch{
		{Slice: s, Names: names, Src: []uint32{0, 2}, Dest: []uint32{2, 1}, VPC: []uint32{3, 3}, Tx: []int64{0, 1}, Rx: []int64{255, 256}},
		{Slice: s, Names: names, Src: []uint32{1}, Dest: []uint32{1}, VPC: []uint32{1}, Tx: []int64{math.MaxInt64}, Rx: []int64{1 << 40}},
		{Slice: s, Names: []string{"x"}, Src: []uint32{0}, Dest: []uint32{0}, VPC: []uint32{0}, Tx: []int64{5}, Rx: []int64{6}},
	}
}

func sequence(parts []*flow.Batch) Parts {
	return func(yield func(*flow.Batch, error) bool) {
		for _, part := range parts {
			if !yield(part, nil) {
				return
			}
		}
	}
}

func TestColumnsAreReadAsWritten(t *testing.T) {
	var sent bytes.Buffer
	want := partsOf()
	if err := WriteColumns(&sent, sequence(want)); err != nil {
		t.Fatal(err)
	}
	whole := slices.Clone(sent.Bytes())
	i := 0
	for got, err := range ReadColumns(&sent, want[0].Slice) {
		if err != nil || i >= len(want) || !reflect.DeepEqual(got, want[i]) {
			t.Fatalf("part %d = %+v, %v, want %+v", i, got, err, want[min(i, len(want)-1)])
		}
		i++
	}
	if i != len(want) || bytes.Count(whole, []byte("webdbvpc")) != 1 {
		t.Errorf("%d parts, want %d, and the shared names once in %q", i, len(want), whole)
	}
	for n := range whole {
		var last error
		for _, err := range ReadColumns(bytes.NewReader(whole[:n]), want[0].Slice) {
			last = err
		}
		if last == nil {
			t.Errorf("%d of %d bytes are a slice", n, len(whole))
		}
	}
}

// A frame too large for the shared memory of frames is read between small ones.
func TestLargeColumnsAreReadAsWritten(t *testing.T) {
	large := *partsOf()[0]
	large.Src = make([]uint32, lentFrame/4)
	large.Dest, large.VPC = large.Src, large.Src
	large.Tx = make([]int64, len(large.Src))
	large.Tx[0], large.Rx = 7, large.Tx
	want := []*flow.Batch{partsOf()[1], &large, partsOf()[1]}
	var sent bytes.Buffer
	if err := WriteColumns(&sent, sequence(want)); err != nil || sent.Len() < lentFrame {
		t.Fatalf("WriteColumns = %v with %d bytes, want more than %d", err, sent.Len(), lentFrame)
	}
	i := 0
	for got, err := range ReadColumns(&sent, large.Slice) {
		if err != nil || i >= len(want) || !reflect.DeepEqual(got, want[i]) {
			t.Fatalf("part %d has %v or differs from the one written", i, err)
		}
		i++
	}
	if i != len(want) {
		t.Errorf("%d parts, want %d", i, len(want))
	}
}

func TestMalformedColumnsAreRefused(t *testing.T) {
	good := partsOf()[0]
	body := appendColumns(nil, good)[1:]
	change := func(at int, to byte) []byte {
		changed := slices.Clone(body)
		changed[at] = to
		return changed
	}
	negative := *good
	negative.Tx = []int64{-1, 0}
	for name, data := range map[string][]byte{
		"no flows": change(0, 0), "more flows than bytes": change(0, 200), "a width of 0": change(1, 0),
		"a width of 9": change(1, 9), "an unknown name": change(2, 4), "bytes behind the end": append(slices.Clone(body), 0),
		"a negative total": appendColumns(nil, &negative)[1:],
	} {
		if err := parseColumns(data, new(flow.Batch), len(good.Names)); err == nil {
			t.Errorf("%s is no error", name)
		}
	}
	for name, data := range map[string][]byte{
		"more names than bytes": {9}, "a name longer than the rest": {1, 5, 'a'}, "bytes behind the names": {1, 1, 'a', 'b'}, "nothing": {},
	} {
		if _, err := parseNames(data); err == nil {
			t.Errorf("%s is no error", name)
		}
	}
}

func FuzzParseColumns(f *testing.F) {
	for _, part := range partsOf() {
		f.Add(appendColumns(nil, part)[1:], len(part.Names))
	}
	f.Fuzz(func(t *testing.T, body []byte, names int) {
		var got, again flow.Batch
		if names < 0 || parseColumns(body, &got, names) != nil {
			return
		}
		if err := parseColumns(appendColumns(nil, &got)[1:], &again, names); err != nil || !reflect.DeepEqual(got, again) {
			t.Errorf("%+v, written again, is %+v, %v", got, again, err)
		}
	})
}

func FuzzParseNames(f *testing.F) {
	f.Add(appendNames(nil, partsOf()[0].Names)[1:])
	f.Fuzz(func(t *testing.T, body []byte) {
		names, err := parseNames(body)
		if err != nil {
			return
		}
		if again, err := parseNames(appendNames(nil, names)[1:]); err != nil || !slices.Equal(names, again) {
			t.Errorf("%q, written again, are %q, %v", names, again, err)
		}
	})
}
