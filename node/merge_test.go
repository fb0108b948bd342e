package node

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"flowring/flow"
	"flowring/node/peer"
	"flowring/router"
)

// text is an answer of fixed bytes, broken off where err says so.
type text struct {
	body     []byte
	complete router.Completeness
	err      error
}

func (a text) Complete() string { return string(a.complete) }
func (a text) Tag() string      { return string(a.body) }
func (a text) Close() error     { return nil }

func (a text) WriteTo(w io.Writer) (int64, error) {
	n, err := io.Copy(w, bytes.NewReader(a.body))
	return n, errors.Join(err, a.err)
}

// document writes records as a node does.
func document(records []flow.Record) []byte {
	doc := []byte{'['}
	for i, r := range records {
		if i > 0 {
			doc = append(doc, ',')
		}
		doc = flow.AppendRecord(doc, r)
	}
	return append(doc, "]\n"...)
}

// Whatever flows are in which slice, the merged document is the one that a single slice would give.
func TestMergedSlicesAreTheHour(t *testing.T) {
	name := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "\"", "\\", "}", `,"hour":1}`, "\x00", "é"}), 1, 4),
		func(parts []string) string { return strings.Join(parts, "") })
	rapid.Check(t, func(rt *rapid.T) {
		keys := rapid.SliceOfNDistinct(rapid.Custom(func(rt *rapid.T) flow.Key {
			return flow.Key{SrcApp: name.Draw(rt, "src"), DestApp: name.Draw(rt, "dest"), VPCID: name.Draw(rt, "vpc")}
		}), 0, 40, rapid.ID).Draw(rt, "keys")
		slices.SortFunc(keys, flow.Key.Compare)
		parts := make([][]flow.Record, rapid.IntRange(1, 5).Draw(rt, "slices"))
		var all []flow.Record
		for i, key := range keys {
			r := flow.Record{Key: key, Totals: flow.Totals{BytesTx: int64(i)}, Hour: 20}
			at := rapid.IntRange(0, len(parts)-1).Draw(rt, "slice")
			parts[at], all = append(parts[at], r), append(all, r)
		}
		var merged mergedAnswer
		for _, part := range parts {
			merged = append(merged, text{body: document(part)})
		}
		var got bytes.Buffer
		n, err := merged.WriteTo(&got)
		if err != nil || n != int64(got.Len()) {
			rt.Fatalf("WriteTo = %d, %v, want %d bytes", n, err, got.Len())
		}
		if want := document(all); !bytes.Equal(got.Bytes(), want) {
			rt.Fatalf("merged:\n%s\nwant:\n%s", got.Bytes(), want)
		}
	})
}

func TestAnHourIsAsCompleteAsItsSlices(t *testing.T) {
	for _, test := range []struct{ parts, want string }{
		{"true true", "true"}, {"true unproven", "unproven"}, {"unproven true", "unproven"},
		{"unproven false true", "false"}, {"false unproven", "false"},
	} {
		var merged mergedAnswer
		for part := range strings.FieldsSeq(test.parts) {
			merged = append(merged, text{complete: router.Completeness(part)})
		}
		if got := merged.Complete(); string(got) != test.want {
			t.Errorf("Complete of slices that are %s = %s, want %s", test.parts, got, test.want)
		}
	}
}

func TestASliceThatBreaksOffBreaksTheHour(t *testing.T) {
	whole := document([]flow.Record{{Key: flow.Key{SrcApp: "a", DestApp: "b", VPCID: "c"}}})
	for name, broken := range map[string]peer.Answer{
		"an error":              text{body: whole[:10], err: errors.New("peer is gone")},
		"an end within":         text{body: whole[:10]},
		"an end at the bracket": text{body: whole[:len(whole)-2]},
		"no array":              text{body: []byte("nonsense")},
		"nothing":               text{},
		"another record":        text{body: []byte(`[{"x":1,"hour":2}]`)},
	} {
		var out bytes.Buffer
		merged := mergedAnswer{text{body: whole}, broken}
		if _, err := merged.WriteTo(&out); err == nil {
			t.Errorf("%s: WriteTo = nil, want an error; it wrote %s", name, out.Bytes())
		}
	}
}

func BenchmarkMergeSlices(b *testing.B) {
	const slicesOfHour, flows = 16, 200_000
	parts := make([][]flow.Record, slicesOfHour)
	for i := range flows {
		key := flow.Key{SrcApp: fmt.Sprintf("application-%06d", i), DestApp: "application-000000", VPCID: "vpc-0"}
		parts[i%slicesOfHour] = append(parts[i%slicesOfHour], flow.Record{Key: key, Hour: 20})
	}
	var merged mergedAnswer
	for _, part := range parts {
		merged = append(merged, text{body: document(part)})
	}
	for b.Loop() {
		if _, err := merged.WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/flows, "ns/flow")
}
